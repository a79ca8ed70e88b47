"""What is to be told of the disks of a trial's machines."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column; empty says that every disk has room."""

    dependencies: ClassVar = [("authoring", "0002_verification_and_trial")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="drafttrial",
            name="disks",
            field=models.JSONField(default=dict),
        ),
    ]
