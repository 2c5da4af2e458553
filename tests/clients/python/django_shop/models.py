"""The models as the last migration leaves them."""

import uuid

from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Customer(models.Model):
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=100, db_index=True)
    joined = models.DateTimeField(auto_now_add=True)
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    settings = models.JSONField(default=dict)
    labels = ArrayField(models.CharField(max_length=20), default=list)
    user = models.OneToOneField(User, null=True, db_constraint=False, on_delete=models.SET_NULL)


class Product(models.Model):
    code = models.SlugField(unique=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)


class Tag(models.Model):
    slug = models.SlugField(unique=True)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    products = models.ManyToManyField(Product, through="Line")
    reference = models.UUIDField(default=uuid.uuid4)
    status = models.CharField(max_length=10, default="new")
    placed = models.DateField(null=True)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "reference"], name="one_reference"),
            models.CheckConstraint(check=models.Q(total__gte=0), name="total_not_negative"),
        ]
        indexes = [models.Index(fields=["status", "placed"], name="by_status")]


class Line(models.Model):
    """With the order's customer, so that it stands beside its order."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_constraint=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.IntegerField(default=1)


class Event(models.Model):
    """An identifier that the application makes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)

    class Meta:
        indexes = [GinIndex(fields=["payload"], name="by_payload")]
