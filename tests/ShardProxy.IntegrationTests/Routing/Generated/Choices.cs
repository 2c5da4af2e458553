namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>
/// The numbers that a generator draws, remembered, so that what it made can be made again from a shorter or simpler list:
/// behind the end of a list all draws are 0. In every draw 0 stands for what is simplest.
/// </summary>
internal sealed class Choices
{
    private readonly Random? _random;
    private readonly IReadOnlyList<int> _given;
    private readonly List<int> _drawn = [];

    public Choices(int seed)
    {
        _random = new Random(seed);
        _given = [];
    }

    public Choices(IReadOnlyList<int> given) => _given = given;

    public IReadOnlyList<int> Drawn => _drawn;

    /// <summary>From 0 to <paramref name="sides"/> - 1.</summary>
    public int Roll(int sides)
    {
        var value = _random?.Next(sides) ?? (_drawn.Count < _given.Count ? _given[_drawn.Count] % sides : 0);
        _drawn.Add(value);
        return value;
    }

    /// <summary>True once in <paramref name="times"/>.</summary>
    public bool Once(int times) => Roll(times) == times - 1;

    public T Pick<T>(params IReadOnlyList<T> from) => from[Roll(from.Count)];
}
