using System.Runtime.InteropServices;

namespace ShardProxy.Statements;

/// <summary>A count that several event loops raise on every statement without sharing a cache line.</summary>
internal sealed class StripedCounter
{
    /// <summary>Power of two; two threads of one stripe still count right, only slower.</summary>
    private const int Stripes = 16;

    private readonly Cell[] _cells = new Cell[Stripes];

    public long Value
    {
        get
        {
            var sum = 0L;
            foreach (ref var cell in _cells.AsSpan())
                sum += Volatile.Read(ref cell.Value);
            return sum;
        }
    }

    public void Increment() => Interlocked.Increment(ref _cells[Environment.CurrentManagedThreadId & (Stripes - 1)].Value);

    /// <summary>Two cache lines, for processors that fetch lines in pairs.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Cell
    {
        public long Value;
    }
}
