using ShardProxy.Transport.Linux;

namespace ShardProxy.Tests.Transport.Linux;

public sealed class TargetTableTests
{
    [Fact]
    public void An_event_of_a_former_tenant_hits_nobody()
    {
        var table = new TargetTable<string>();
        var first = table.Add("first");
        table.Remove(first);
        var second = table.Add("second");
        ((uint)second).ShouldBe((uint)first);
        table.Find(first).ShouldBeNull();
        table.Find(second).ShouldBe("second");
        table.Remove(first);
        table.Find(second).ShouldBe("second");
    }

    [Fact]
    public void A_stand_in_takes_over_the_events_of_a_tenant()
    {
        var table = new TargetTable<string>();
        var tenant = table.Add("tenant");
        table.Replace(tenant, "stand-in");
        table.Find(tenant).ShouldBe("stand-in");
        table.Remove(tenant);
        table.Replace(tenant, "nobody");
        table.Find(tenant).ShouldBeNull();
    }
}
