using Npgsql;

namespace ShardProxy.Control.Loading;

/// <summary>The rows of one query of a batch; every value read goes into the fingerprint.</summary>
internal sealed class CatalogRows(NpgsqlDataReader reader, Fingerprint fingerprint)
{
    public Task<bool> ReadAsync(CancellationToken cancel) => reader.ReadAsync(cancel);

    /// <summary>Goes on to the next query's rows; a mark between them goes into the fingerprint.</summary>
    public async Task NextAsync(CancellationToken cancel)
    {
        fingerprint.Add(long.MinValue);
        if (!await reader.NextResultAsync(cancel))
            throw new InvalidOperationException("A query of the batch gave no result.");
    }

    public string Text(int column) => fingerprint.Add(reader.GetString(column))!;

    public string? OptionalText(int column) => fingerprint.Add(reader.IsDBNull(column) ? null : reader.GetString(column));

    public uint Oid(int column)
    {
        var oid = reader.IsDBNull(column) ? 0 : reader.GetFieldValue<uint>(column);
        fingerprint.Add(oid);
        return oid;
    }

    public int Int(int column)
    {
        var number = reader.GetInt32(column);
        fingerprint.Add(number);
        return number;
    }

    public int? OptionalInt(int column)
    {
        var number = reader.IsDBNull(column) ? (int?)null : reader.GetInt32(column);
        fingerprint.Add(number ?? long.MinValue);
        return number;
    }

    public short Short(int column)
    {
        var number = reader.GetInt16(column);
        fingerprint.Add(number);
        return number;
    }

    public bool Bool(int column)
    {
        var value = reader.GetBoolean(column);
        fingerprint.Add(value ? 1 : 0);
        return value;
    }

    public short[] Shorts(int column)
    {
        var numbers = reader.GetFieldValue<short[]>(column);
        fingerprint.Add(numbers.Length);
        foreach (var number in numbers)
            fingerprint.Add(number);
        return numbers;
    }
}
