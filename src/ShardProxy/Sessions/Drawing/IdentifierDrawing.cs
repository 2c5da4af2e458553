using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ShardProxy.Planning.Drawing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Sessions.Drawing;

/// <summary>Gives the slots of a statement their values, in the order in which they stand in the text.</summary>
internal static class IdentifierDrawing
{
    public static async ValueTask<long[]> DrawAsync(Session session, IReadOnlyList<DrawSlot> slots)
    {
        var values = new long[slots.Count];
        var done = new bool[slots.Count];
        var role = session.Planning().Context.User;
        for (var slot = 0; slot < slots.Count; slot++)
        {
            if (done[slot] || slots[slot].Kind != DrawKind.Next)
                continue;
            var sequence = slots[slot].Sequence;
            var all = new List<int>();
            for (var other = slot; other < slots.Count; other++)
            {
                if (slots[other].Kind == DrawKind.Next && slots[other].Sequence == sequence)
                    all.Add(other);
            }
            var drawn = new long[all.Count];
            await session.Database.Sequences.TakeAsync(sequence, slots[slot].IsIdentity ? null : role, drawn);
            for (var index = 0; index < drawn.Length; index++)
            {
                values[all[index]] = drawn[index];
                done[all[index]] = true;
            }
        }
        for (var slot = 0; slot < slots.Count; slot++)
        {
            switch (slots[slot].Kind)
            {
                case DrawKind.Next:
                    CheckRange(values[slot], slots[slot].Type);
                    session.Sequences.Note(slots[slot].Sequence, values[slot]);
                    break;
                case DrawKind.Current:
                    values[slot] = session.Sequences.Current(slots[slot].Sequence);
                    break;
                default:
                    values[slot] = session.Sequences.Last();
                    break;
            }
        }
        return values;
    }

    /// <summary>The value as Bind has it.</summary>
    public static byte[] Encode(long value, uint type, bool binary)
    {
        if (!binary)
            return Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));
        var bytes = new byte[type switch { TypeOid.Int2 => sizeof(short), TypeOid.Int4 => sizeof(int), _ => sizeof(long) }];
        switch (bytes.Length)
        {
            case sizeof(short):
                BinaryPrimitives.WriteInt16BigEndian(bytes, (short)value);
                break;
            case sizeof(int):
                BinaryPrimitives.WriteInt32BigEndian(bytes, (int)value);
                break;
            default:
                BinaryPrimitives.WriteInt64BigEndian(bytes, value);
                break;
        }
        return bytes;
    }

    /// <summary>As the assignment of nextval()'s bigint to the column would have it.</summary>
    public static void CheckRange(long value, uint type)
    {
        if (type == TypeOid.Int4 && value is < int.MinValue or > int.MaxValue)
            throw new SqlErrorException(SqlStates.NumericValueOutOfRange, "integer out of range");
        if (type == TypeOid.Int2 && value is < short.MinValue or > short.MaxValue)
            throw new SqlErrorException(SqlStates.NumericValueOutOfRange, "smallint out of range");
    }
}
