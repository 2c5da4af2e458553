import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


def fill(apps, schema_editor):
    Order = apps.get_model("django_shop", "Order")
    Order.objects.filter(placed=None).update(placed="2026-01-01")
    for customer in apps.get_model("django_shop", "Customer").objects.order_by("email").iterator(chunk_size=7):
        customer.labels = [customer.email[:3]]
        customer.save(update_fields=["labels"])


class Migration(migrations.Migration):
    dependencies = [("django_shop", "0001_initial")]
    operations = [
        migrations.RenameField("Customer", "name", "full_name"),
        migrations.AlterField("Customer", "full_name", models.CharField(max_length=100, db_index=True)),
        migrations.AddField("Customer", "settings", models.JSONField(default=dict)),
        migrations.AddField("Customer", "labels", django.contrib.postgres.fields.ArrayField(models.CharField(max_length=20), default=list)),
        migrations.AddField("Order", "placed", models.DateField(null=True)),
        migrations.AddField("Event", "payload", models.JSONField(default=dict)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint("Order", models.CheckConstraint(check=models.Q(total__gte=0), name="total_not_negative")),
        migrations.AddIndex("Event", django.contrib.postgres.indexes.GinIndex(fields=["payload"], name="by_payload")),
    ]
