from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("django_shop", "0002_columns")]
    operations = [AddIndexConcurrently("Order", models.Index(fields=["status", "placed"], name="by_status"))]
