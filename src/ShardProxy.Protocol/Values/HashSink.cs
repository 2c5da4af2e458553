namespace ShardProxy.Protocol.Values;

/// <summary>Takes a key's hash.</summary>
internal struct HashSink : IKeySink
{
    public ulong Hash { get; private set; }

    public void Integer(long value) => Hash = PartitionHash.OfInteger(value);

    public void Numeric(scoped in DecimalValue value) => Hash = value.Hash();

    public void Text(ReadOnlySpan<byte> value) => Hash = PartitionHash.OfText(value);

    public void Bpchar(ReadOnlySpan<byte> value) => Hash = PartitionHash.OfBpchar(value);

    public void Bytea(ReadOnlySpan<byte> value) => Hash = PartitionHash.OfBytea(value);

    public void Uuid(ReadOnlySpan<byte> value) => Hash = PartitionHash.OfUuid(value);

    public void Bool(bool value) => Hash = PartitionHash.OfBool(value);

    public void Date(int days) => Hash = PartitionHash.OfDate(days);

    public void Timestamp(long microseconds) => Hash = PartitionHash.OfTimestamp(microseconds);
}
