"""Lets a reviewer reject an alignment, which then stays and counts nothing."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("competencies", "0002_read_only"),
    ]
    operations = [
        migrations.AddField(
            model_name="alignment",
            name="is_rejected",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="alignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_rejected", False), ("reviewed_by__isnull", False), _connector="OR"
                ),
                name="alignment_rejected_by_somebody",
            ),
        ),
    ]
