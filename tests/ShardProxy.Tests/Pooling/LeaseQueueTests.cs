using ShardProxy.Pooling;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

public sealed class LeaseQueueTests
{
    [Fact]
    public void It_behaves_as_a_list_does()
    {
        var random = new Random(7);
        var loop = new ManualLoop();
        var requests = Enumerable.Range(0, 12).Select(_ => new LeaseRequest(new LoopSignal(loop))).ToList();
        var queue = default(LeaseQueue);
        var model = new List<LeaseRequest>();
        for (var step = 0; step < 5_000; step++)
        {
            var request = requests[random.Next(requests.Count)];
            if (request.IsQueued)
            {
                queue.Remove(request);
                model.Remove(request);
            }
            else
            {
                queue.Enqueue(request);
                model.Add(request);
            }
            queue.Count.ShouldBe(model.Count);
            queue.First.ShouldBeSameAs(model.FirstOrDefault());
            request.IsQueued.ShouldBe(model.Contains(request));
        }
        while (queue.First is { } first)
        {
            first.ShouldBeSameAs(model[0]);
            queue.Remove(first);
            model.RemoveAt(0);
        }
        model.ShouldBeEmpty();
    }
}
