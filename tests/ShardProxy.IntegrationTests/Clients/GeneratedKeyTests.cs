using Microsoft.EntityFrameworkCore;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Clients;

public sealed class Ticket
{
    public long Id { get; set; }

    public required string Title { get; set; }

    public List<Comment> Comments { get; set; } = [];
}

public sealed class Comment
{
    public long TicketId { get; set; }

    public long Id { get; set; }

    public required string Text { get; set; }
}

public sealed class TicketContext(string connectionString) : DbContext
{
    public DbSet<Ticket> Tickets => Set<Ticket>();

    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder.UseNpgsql(connectionString);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Comment>().HasKey(static comment => new { comment.TicketId, comment.Id });
        modelBuilder.Entity<Comment>().Property(static comment => comment.Id).ValueGeneratedOnAdd();
        modelBuilder.Entity<Ticket>().HasMany(static ticket => ticket.Comments).WithOne().HasForeignKey(static comment => comment.TicketId);
    }
}

/// <summary>EF Core with identity columns as shard keys: the server makes the key, EF reads it back and stores what belongs to it.</summary>
[Collection(ClientsCollection.Name)]
public sealed class GeneratedKeyTests(Lab lab)
{
    [Fact]
    public async Task Keys_are_made_read_back_and_used()
    {
        if (Lab.IsDirect)
            return;
        await using (var context = new TicketContext(lab.Subject.ConnectionString))
            await context.Database.ExecuteSqlRawAsync(context.Database.GenerateCreateScript().Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.MustAsync("SELECT create_distributed_table('\"Tickets\"', 'Id')");
            await client.MustAsync("SELECT create_distributed_table('\"Comment\"', 'TicketId', colocate_with => '\"Tickets\"')");
        }
        long[] ids;
        await using (var context = new TicketContext(lab.Subject.ConnectionString))
        {
            var tickets = Enumerable.Range(0, 40)
                .Select(static number => new Ticket { Title = $"ticket {number}", Comments = [new() { Text = "first" }, new() { Text = "second" }] })
                .ToList();
            context.Tickets.AddRange(tickets);
            (await context.SaveChangesAsync()).ShouldBe(120);
            ids = [.. tickets.Select(static ticket => ticket.Id)];
            ids.Distinct().Count().ShouldBe(40);
            tickets.SelectMany(static ticket => ticket.Comments).Select(static comment => comment.Id).Distinct().Count().ShouldBe(80);
        }
        await using (var context = new TicketContext(lab.Subject.ConnectionString))
        {
            (await context.Tickets.CountAsync()).ShouldBe(40);
            for (var number = 0; number < ids.Length; number++)
            {
                var id = ids[number];
                var ticket = await context.Tickets.Include(static row => row.Comments).SingleAsync(row => row.Id == id);
                ticket.Title.ShouldBe($"ticket {number}");
                ticket.Comments.Select(static comment => comment.Text).Order().ShouldBe(["first", "second"]);
            }
            await using var transaction = await context.Database.BeginTransactionAsync();
            await transaction.CreateSavepointAsync("inner");
            context.Tickets.Add(new Ticket { Title = "undone" });
            await context.SaveChangesAsync();
            await transaction.RollbackToSavepointAsync("inner");
            context.ChangeTracker.Clear();
            var kept = new Ticket { Title = "kept", Comments = [new() { Text = "inside" }] };
            context.Tickets.Add(kept);
            await context.SaveChangesAsync();
            await transaction.CommitAsync();
            (await context.Tickets.CountAsync(row => row.Id == kept.Id)).ShouldBe(1);
        }
        await using (var context = new TicketContext(lab.Subject.ConnectionString))
            (await context.Tickets.CountAsync(static row => row.Title == "undone")).ShouldBe(0);
        var rows = 0L;
        foreach (var shard in lab.Cluster.Shards)
        {
            var here = await shard.ScalarAsync<long>("SELECT count(*) FROM \"Tickets\"");
            here.ShouldBeGreaterThan(0);
            rows += here;
        }
        rows.ShouldBe(41);
    }
}
