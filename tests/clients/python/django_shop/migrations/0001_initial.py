import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("joined", models.DateTimeField(auto_now_add=True)),
                ("balance", models.DecimalField(max_digits=12, decimal_places=2, default=0)),
                ("user", models.OneToOneField(null=True, db_constraint=False, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("code", models.SlugField(unique=True)),
                ("price", models.DecimalField(max_digits=8, decimal_places=2)),
                ("stock", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(name="Tag", fields=[("slug", models.SlugField(primary_key=True))]),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("customer", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="orders", to="django_shop.customer")),
                ("reference", models.UUIDField(default=uuid.uuid4)),
                ("status", models.CharField(max_length=10, default="new")),
                ("total", models.DecimalField(max_digits=12, decimal_places=2, default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("customer", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="django_shop.customer")),
                ("order", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="lines", db_constraint=False, to="django_shop.order")),
                ("product", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="django_shop.product")),
                ("quantity", models.IntegerField(default=1)),
            ],
        ),
        migrations.AddField("Order", "products", models.ManyToManyField(through="django_shop.Line", to="django_shop.Product")),
        migrations.CreateModel(
            name="Event",
            fields=[("id", models.UUIDField(primary_key=True, default=uuid.uuid4)), ("kind", models.CharField(max_length=20))],
        ),
        migrations.AddConstraint("Order", models.UniqueConstraint(fields=["customer", "reference"], name="one_reference")),
    ]
