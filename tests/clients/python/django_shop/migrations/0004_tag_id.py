from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("django_shop", "0003_index")]
    operations = [
        migrations.AlterField("Tag", "slug", models.SlugField(unique=True)),
        migrations.AddField("Tag", "id", models.BigAutoField(primary_key=True)),
    ]
