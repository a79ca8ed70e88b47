import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("sandboxes", "0008_refusal"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WebView",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("machine", models.CharField(max_length=64)),
                ("session_key", models.CharField(max_length=40)),
                ("code_digest", models.CharField(max_length=64, null=True, unique=True)),
                ("ticket_digest", models.CharField(max_length=64, null=True, unique=True)),
                ("embedded", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sandbox",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="web_views",
                        to="sandboxes.sandbox",
                    ),
                ),
            ],
        ),
    ]
