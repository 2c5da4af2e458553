"""Django's ORM and migrations, unchanged, against the server that the PG* variables name. Prints what it finds, which must be the same
everywhere. Usage: django_cases.py [distribute]: distributes its tables when the first migration has made them."""

import os
import sys
import uuid
from datetime import date, timedelta
from decimal import Decimal

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"],
            "NAME": os.environ["PGDATABASE"],
            "OPTIONS": {"options": "-c search_path=django"},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.postgres",
        "django.contrib.sessions",
        "django_shop",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    SECRET_KEY="for tests",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate  # noqa: E402
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, IntegrityError, connection, transaction  # noqa: E402
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Prefetch, Q, Subquery, Sum, Value, When, Window  # noqa: E402
from django.db.models.functions import Coalesce, Lower, Rank, TruncMonth  # noqa: E402
from django_shop.models import Customer, Event, Line, Order, Product, Tag  # noqa: E402

DISTRIBUTION = [
    "SELECT create_distributed_table('django_shop_customer', 'id')",
    "SELECT create_reference_table('django_shop_product')",
    "SELECT create_distributed_table('django_shop_order', 'customer_id', colocate_with => 'django_shop_customer')",
    "SELECT create_distributed_table('django_shop_line', 'customer_id', colocate_with => 'django_shop_customer')",
    "SELECT create_distributed_table('django_shop_tag', 'slug')",
    "SELECT create_distributed_table('django_shop_event', 'id')",
    "SELECT create_distributed_table('django_session', 'session_key')",
]


def migrations():
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA django")
    call_command("migrate", "django_shop", "0001", verbosity=0)
    call_command("migrate", "sessions", verbosity=0)
    call_command("migrate", "auth", verbosity=0)
    call_command("migrate", "admin", verbosity=0)
    if sys.argv[1:] == ["distribute"]:
        with connection.cursor() as cursor:
            for statement in DISTRIBUTION:
                cursor.execute(statement)
    with connection.cursor() as cursor:
        for number in range(20):
            cursor.execute(
                "INSERT INTO django_shop_customer (email, name, joined, balance) VALUES (%s, %s, now(), %s) RETURNING id",
                [f"c{number}@example.org", f"Customer {number}", number],
            )
            (customer,) = cursor.fetchone()
            cursor.execute("INSERT INTO django_shop_order (customer_id, reference, status, total) VALUES (%s, %s, 'old', 5)", [customer, str(uuid.uuid4())])
        cursor.execute("INSERT INTO django_shop_tag (slug) SELECT 'tag' || i FROM generate_series(1, 20) i")
    call_command("migrate", verbosity=0)
    print("labels", list(Customer.objects.order_by("email").values_list("labels", flat=True))[:3], Order.objects.filter(placed=date(2026, 1, 1)).count())
    tags = list(Tag.objects.values_list("id", flat=True))
    print("tags", len(tags), len(set(tags)), min(tags), max(tags))
    Tag.objects.create(slug="late")
    print("tags", Tag.objects.count(), Tag.objects.values("id").distinct().count())
    with connection.cursor() as cursor:
        tables = [table.name for table in connection.introspection.get_table_list(cursor) if table.name.startswith(("django_shop", "auth_user"))]
        print("tables", sorted(tables))
        print("columns", [(column.name, column.null_ok) for column in connection.introspection.get_table_description(cursor, "django_shop_order")])
        for table in ("django_shop_order", "django_shop_tag", "django_shop_event"):
            for name, found in sorted(connection.introspection.get_constraints(cursor, table).items()):
                print("constraint", table, found["columns"], found["primary_key"], found["unique"], found["foreign_key"], found["type"] if found["index"] else None)
        print("sequences", [(found["table"], found["column"]) for found in connection.introspection.get_sequences(cursor, "django_shop_tag")])


def rows():
    Product.objects.bulk_create([Product(code=f"p{number}", price=Decimal(number), stock=100) for number in range(10)])
    Product.objects.bulk_create([Product(code=f"p{number}", price=1) for number in range(8, 12)], ignore_conflicts=True)
    print("products", list(Product.objects.order_by("code").values_list("code", "price")))
    customers = Customer.objects.bulk_create([Customer(email=f"b{number}@example.org", full_name=f"Bulk {number % 5}", labels=["b", str(number % 3)]) for number in range(30)])
    print("made", len({customer.pk for customer in customers}), None in {customer.pk for customer in customers})
    Customer.objects.bulk_create([Customer(email="b1@example.org", full_name="twice"), Customer(email="new@example.org", full_name="New")], ignore_conflicts=True)
    print("conflicts", Customer.objects.filter(email__in=["b1@example.org", "new@example.org"]).order_by("email").values_list("full_name", flat=True))
    products = list(Product.objects.order_by("code"))
    for number, customer in enumerate(customers):
        orders = Order.objects.bulk_create([Order(customer=customer, placed=date(2026, 2, 1) + timedelta(days=number * 3 + at), total=at * 10) for at in range(3)])
        Line.objects.bulk_create(
            [Line(customer=customer, order=order, product=products[(number + at) % 8], quantity=at + 1) for order in orders for at in range(2)]
        )
    print("counts", Order.objects.count(), Line.objects.count())
    for customer in customers[:6]:
        customer.balance = 7
    Customer.objects.bulk_update(customers[:6], ["balance"])
    print("bulk_update", Customer.objects.filter(balance=7, email__startswith="b").count())
    Event.objects.bulk_create([Event(kind=f"k{number % 4}", payload={"n": number, "odd": number % 2 == 1}) for number in range(40)])
    print("events", Event.objects.filter(payload__odd=True).count(), Event.objects.filter(payload__n__gte=30).count(), Event.objects.values("kind").annotate(n=Count("*")).order_by("kind"))


def single():
    made = [Customer.objects.get_or_create(email="one@example.org", defaults={"full_name": "One"})[1] for _ in range(2)]
    changed = [Customer.objects.update_or_create(email="one@example.org", defaults={"full_name": f"One {turn}"})[1] for turn in range(2)]
    changed.append(Customer.objects.update_or_create(email="two@example.org", defaults={"full_name": "Two"})[1])
    print("or_create", made, changed, Customer.objects.get(email="one@example.org").full_name)
    customer = Customer.objects.get(email="one@example.org")
    customer.balance = F("balance") + 5
    customer.save()
    customer.refresh_from_db()
    print("F", customer.balance, Customer.objects.filter(balance__lt=100).update(balance=F("balance") * 2), Customer.objects.aggregate(Sum("balance")))
    with connection.cursor() as cursor:
        # As bulk_create(update_conflicts=True) of later versions has it.
        cursor.execute(
            "INSERT INTO django_shop_customer (email, full_name, joined, balance, settings, labels) VALUES (%s, %s, now(), 0, '{}', '{}'), (%s, %s, now(), 0, '{}', '{}')"
            " ON CONFLICT (email) DO UPDATE SET full_name = EXCLUDED.full_name RETURNING full_name, balance",
            ["one@example.org", "Upserted", "three@example.org", "Three"],
        )
        print("upserted", cursor.rowcount, sorted(cursor.fetchall()))
    customer.full_name = "Saved"
    customer.save(update_fields=["full_name"])
    print("saved", Customer.objects.filter(pk=customer.pk).values_list("full_name", "balance"))
    try:
        with transaction.atomic():
            Customer.objects.create(email="one@example.org", full_name="Again")
    except IntegrityError as error:
        print("unique", str(error).splitlines()[0])
    try:
        with transaction.atomic():
            Order.objects.create(customer=customer, total=-1)
    except IntegrityError as error:
        print("check", str(error).splitlines()[0])
    try:
        with transaction.atomic():
            Order.objects.create(customer_id=customer.pk + 10**9)
    except IntegrityError as error:
        print("foreign key", str(error).splitlines()[0])


def transactions():
    customer, other = Customer.objects.get(email="one@example.org"), Customer.objects.get(email="two@example.org")
    with transaction.atomic():
        locked = Customer.objects.select_for_update().get(pk=customer.pk)
        locked.balance -= 1
        locked.save()
        Customer.objects.filter(pk=other.pk).update(balance=F("balance") + 1)
        try:
            with transaction.atomic():
                Order.objects.create(customer=other, total=3)
                raise ValueError
        except ValueError:
            pass
        point = transaction.savepoint()
        Order.objects.create(customer=customer, total=4)
        transaction.savepoint_rollback(point)
        Order.objects.create(customer=customer, total=6)
        transaction.on_commit(lambda: print("committed"))
    print("atomic", list(Order.objects.filter(customer__in=[customer, other]).values_list("total", flat=True)), Customer.objects.get(pk=other.pk).balance)
    with transaction.atomic():
        found = Customer.objects.select_for_update().filter(email__startswith="b1").order_by("email")
        print("for update", [each.email for each in found])
        found = Order.objects.select_for_update(of=("self",)).select_related("customer").filter(customer=customer)
        print("of", len(found))
        skipped = Customer.objects.select_for_update(skip_locked=True).filter(pk=customer.pk)
        print("skip locked", len(skipped))
    try:
        with transaction.atomic():
            Customer.objects.filter(pk=customer.pk).update(balance=1000)
            raise DatabaseError
    except DatabaseError:
        print("rolled back", Customer.objects.get(pk=customer.pk).balance)


def queries():
    per = Customer.objects.filter(email__startswith="b").annotate(n=Count("orders"), spent=Sum("orders__total"), last=Max("orders__placed")).order_by("email")
    print("annotated", [(each.email, each.n, each.spent, each.last) for each in per[:4]])
    print("aggregate", Order.objects.aggregate(n=Count("id"), sum=Sum("total"), mean=Avg("total"), customers=Count("customer", distinct=True)))
    print("groups", list(Order.objects.values("status").annotate(n=Count("id"), sum=Sum("total")).order_by("status")))
    print("months", list(Order.objects.annotate(month=TruncMonth("placed")).values("month").annotate(n=Count("id")).order_by("month")))
    print("having", Customer.objects.values("full_name").annotate(n=Count("id")).filter(n__gt=2).order_by("full_name").count())
    print("related", [(line.order.total, line.product.code, line.customer.email) for line in Line.objects.select_related("order", "product", "customer").order_by("customer__email", "order__placed", "product__code")[:5]])
    fetched = Customer.objects.filter(email__startswith="b2").order_by("email").prefetch_related(
        Prefetch("orders", queryset=Order.objects.order_by("-placed").prefetch_related("lines__product"), to_attr="newest")
    )
    print("prefetched", [(each.email, [[line.product.code for line in order.lines.all()] and order.total for order in each.newest]) for each in fetched][:3])
    print("many to many", sorted(Order.objects.filter(customer__email="b3@example.org").first().products.values_list("code", flat=True)))
    newest = Order.objects.filter(customer=OuterRef("pk")).order_by("-placed")
    print("subquery", list(Customer.objects.filter(email__startswith="b").annotate(placed=Subquery(newest.values("placed")[:1])).order_by("email").values_list("email", "placed")[:4]))
    print("exists", Customer.objects.filter(Exists(Order.objects.filter(customer=OuterRef("pk"), total__gt=15))).count(), Customer.objects.filter(~Q(orders__total__gt=15)).count())
    ranked = Order.objects.filter(customer__email__startswith="b0").annotate(place=Window(Rank(), partition_by=[F("customer")], order_by=F("total").desc()))
    print("window", list(ranked.order_by("customer", "place").values_list("total", "place")))
    print("case", Order.objects.annotate(size=Case(When(total__gte=20, then=Value("big")), default=Value("small"))).values("size").annotate(n=Count("id")).order_by("size"))
    print("lower", list(Customer.objects.annotate(low=Lower("full_name")).filter(low="one 1").values_list("low")), Customer.objects.filter(labels__contains=["b"]).count())
    print("union", Customer.objects.filter(email__startswith="b1").values_list("email").union(Customer.objects.filter(email__startswith="c1").values_list("email")).order_by("email")[:5])
    print("dates", list(Order.objects.dates("placed", "month")), Order.objects.latest("placed").placed, Order.objects.exclude(placed=None).order_by("placed").first().placed)
    print("in bulk", len(Customer.objects.in_bulk(list(Customer.objects.values_list("pk", flat=True)[:5]))), Customer.objects.filter(pk__in=Order.objects.filter(total=20).values("customer")).count())
    print("iterator", sum(1 for _ in Order.objects.iterator(chunk_size=10)), Order.objects.aggregate(sum=Coalesce(Sum("total", filter=Q(status="none")), Value(Decimal(0)))))
    print("explain", "cost" in Customer.objects.filter(email="b1@example.org").explain())
    print("raw", len(Customer.objects.raw("SELECT * FROM django_shop_customer WHERE email LIKE %s", ["b1%"])))


def contributed():
    user = User.objects.create_user("ada", "ada@example.org", "secret")
    group, _ = Group.objects.get_or_create(name="editors")
    user.groups.add(group)
    group.permissions.set(Permission.objects.filter(content_type__app_label="django_shop", codename__startswith="change"))
    print("auth", authenticate(username="ada", password="secret") == user, sorted(authenticate(username="ada", password="secret").get_all_permissions()))
    Customer.objects.filter(email="one@example.org").update(user=user)
    print("one to one", user.customer.email, list(Customer.objects.filter(user__username="ada").values_list("email")))
    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    session["cart"].append(3)
    session.modified = True
    session.save()
    print("session", SessionStore(session.session_key)["cart"])
    session.delete()
    call_command("clearsessions")
    print("deleted", Customer.objects.filter(email="b1@example.org").delete(), user.delete()[0], Order.objects.filter(status="old").delete()[0])
    print("left", Customer.objects.count(), Order.objects.count(), Line.objects.count(), Customer.objects.filter(user=None).count())
    call_command("migrate", "django_shop", "0002", verbosity=0)
    with connection.cursor() as cursor:
        print("back", "by_status" in connection.introspection.get_constraints(cursor, "django_shop_order"))
    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    print("flushed", Customer.objects.count(), Permission.objects.exists())


for case in (migrations, rows, single, transactions, queries, contributed):
    try:
        case()
    except Exception as error:  # noqa: BLE001: each case shows what the others meet
        print(case.__name__, "ended with", type(error).__name__, error)
        if os.environ.get("DJANGO_TRACE"):
            import traceback

            traceback.print_exc()
with connection.cursor() as cursor:
    cursor.execute("DROP SCHEMA django CASCADE")
