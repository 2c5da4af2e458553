using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

public sealed class Customer
{
    public long Id { get; set; }

    public required string Name { get; set; }

    public DateTime Joined { get; set; }

    public List<Invoice> Invoices { get; set; } = [];
}

public sealed class Invoice
{
    public long CustomerId { get; set; }

    public int Number { get; set; }

    public decimal Amount { get; set; }

    public string[] Lines { get; set; } = [];
}

public sealed class BillingContext(string connectionString) : DbContext
{
    public DbSet<Customer> Customers => Set<Customer>();

    public DbSet<Invoice> Invoices => Set<Invoice>();

    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder.UseNpgsql(connectionString);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Customer>().Property(static customer => customer.Id).ValueGeneratedNever();
        modelBuilder.Entity<Invoice>().HasKey(static invoice => new { invoice.CustomerId, invoice.Number });
        modelBuilder.Entity<Customer>().HasMany(static customer => customer.Invoices).WithOne().HasForeignKey(static invoice => invoice.CustomerId);
    }
}

[DbContext(typeof(BillingContext))]
[Migration("20240101000000_Create")]
public sealed class CreateTables : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("Customers", static table => new
        {
            Id = table.Column<long>(),
            Name = table.Column<string>(),
            Joined = table.Column<DateTime>(),
        }, constraints: static table => table.PrimaryKey("PK_Customers", static row => row.Id));
        migrationBuilder.CreateTable("Invoices", static table => new
        {
            CustomerId = table.Column<long>(),
            Number = table.Column<int>(),
            Amount = table.Column<decimal>(),
            Lines = table.Column<string[]>(),
        }, constraints: static table =>
        {
            table.PrimaryKey("PK_Invoices", static row => new { row.CustomerId, row.Number });
            table.ForeignKey("FK_Invoices_Customers", static row => row.CustomerId, "Customers", "Id");
        });
        // Declaring a table is no part of a transaction.
        migrationBuilder.Sql("SELECT create_distributed_table('\"Customers\"', 'Id')", suppressTransaction: true);
        migrationBuilder.Sql("SELECT create_distributed_table('\"Invoices\"', 'CustomerId', colocate_with => '\"Customers\"')", suppressTransaction: true);
    }
}

[DbContext(typeof(BillingContext))]
[Migration("20240201000000_AddIndex")]
public sealed class AddIndex : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<string>("Note", "Invoices", nullable: true);
        migrationBuilder.CreateIndex("IX_Customers_Name", "Customers", "Name");
    }
}

/// <summary>EF Core 10: migrations that create sharded tables, then changes tracked and saved, queries with joins, transactions.</summary>
[Collection(ClientsCollection.Name)]
public sealed class EntityFrameworkTests(Lab lab)
{
    [Fact]
    public async Task Migrations_and_changes()
    {
        if (Lab.IsDirect)
            return;
        await using (var context = new BillingContext(lab.Subject.ConnectionString))
        {
            await context.Database.MigrateAsync();
            (await context.Database.GetAppliedMigrationsAsync()).Count().ShouldBe(2);
            (await context.Database.GetPendingMigrationsAsync()).ShouldBeEmpty();
        }
        for (var id = 1L; id <= 8; id++)
            await ChangeAsync(id);
        var rows = 0L;
        foreach (var shard in lab.Cluster.Shards)
        {
            var here = await shard.ScalarAsync<long>("SELECT count(*) FROM \"Customers\"");
            (await shard.ScalarAsync<long>("SELECT count(*) FROM \"Customers\" c JOIN \"Invoices\" i ON i.\"CustomerId\" = c.\"Id\"")).ShouldBe(here);
            rows += here;
        }
        rows.ShouldBe(8);
    }

    private async Task ChangeAsync(long id)
    {
        await using (var context = new BillingContext(lab.Subject.ConnectionString))
        {
            context.Customers.Add(new Customer
            {
                Id = id,
                Name = $"customer {id}",
                Joined = DateTime.UtcNow,
                Invoices = [new() { Number = 1, Amount = 10m, Lines = ["a", "b"] }, new() { Number = 2, Amount = 20m }],
            });
            (await context.SaveChangesAsync()).ShouldBe(3);
        }
        await using (var context = new BillingContext(lab.Subject.ConnectionString))
        {
            var customer = await context.Customers.Include(static row => row.Invoices).SingleAsync(row => row.Id == id);
            customer.Invoices.Select(static invoice => invoice.Number).ShouldBe([1, 2], ignoreOrder: true);
            customer.Name += "!!";
            customer.Invoices.RemoveAll(static invoice => invoice.Number == 2);
            await using var transaction = await context.Database.BeginTransactionAsync();
            await context.SaveChangesAsync();
            await transaction.CommitAsync();
        }
        await using (var context = new BillingContext(lab.Subject.ConnectionString))
        {
            (await context.Invoices.Where(invoice => invoice.CustomerId == id).SumAsync(static invoice => invoice.Amount)).ShouldBe(10m);
            (await context.Customers.Where(row => row.Id == id && row.Name.EndsWith("!!")).CountAsync()).ShouldBe(1);
            (await context.Customers.Where(row => row.Id == id).ExecuteUpdateAsync(static set => set.SetProperty(static row => row.Name, "renamed"))).ShouldBe(1);
            context.Customers.Add(new Customer { Id = id, Name = "twice" });
            await Should.ThrowAsync<DbUpdateException>(() => context.SaveChangesAsync());
        }
    }
}
