using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class LexerAgreementTests
{
    private static readonly int Rounds = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 2_000_000 : 60_000;

    [Fact]
    public void Shapes_are_those_of_the_tokens_that_PostgreSQL_sees()
    {
        var scanner = new ShapeScanner();
        var compared = 0;
        foreach (var sql in Mutations(1))
        {
            scanner.Scan(sql);
            var tokens = PgQueryScan.TryScan(sql);
            if (tokens is null || ContinuesBehindComment(sql, tokens))
                continue;
            var text = Encoding.UTF8.GetString(sql);
            scanner.IsComplete.ShouldBeTrue(text);
            if (HasRoutineBody(text))
                continue;
            compared++;
            var expected = ExpectedShape.Of(sql, tokens);
            scanner.Shape[HeaderLength(scanner)..].SequenceEqual(expected)
                .ShouldBeTrue($"{text}\n{Encoding.Latin1.GetString(scanner.Shape)}\n{Encoding.Latin1.GetString(expected)}");
        }
        compared.ShouldBeGreaterThan(Rounds / 3);
    }

    [Fact]
    public void Literals_stand_in_order_and_fill_the_slots()
    {
        var scanner = new ShapeScanner();
        foreach (var sql in Mutations(2))
        {
            scanner.Scan(sql);
            var end = 0;
            for (var index = 0; index < scanner.LiteralCount; index++)
            {
                var literal = scanner.GetLiteral(index);
                literal.Start.ShouldBeGreaterThanOrEqualTo(end);
                literal.Length.ShouldBeGreaterThan(0);
                end = literal.End;
            }
            end.ShouldBeLessThanOrEqualTo(sql.Length);
            var next = 0;
            for (var index = 0; index < scanner.SlotCount; index++)
            {
                var slot = scanner.GetSlot(index);
                slot.FirstLiteral.ShouldBe(next);
                next += slot.LiteralCount;
                for (var literal = slot.FirstLiteral; literal < next; literal++)
                    scanner.FindSlot(scanner.GetLiteral(literal).Start).ShouldBe(index);
            }
            next.ShouldBe(scanner.LiteralCount);
            end = 0;
            for (var index = 0; index < scanner.StatementCount; index++)
            {
                var (start, stop) = scanner.GetStatement(index);
                start.ShouldBeGreaterThanOrEqualTo(end);
                stop.ShouldBeGreaterThan(start);
                end = stop;
            }
        }
    }

    [Fact]
    public void Other_literals_of_the_same_class_leave_the_shape_as_it_is()
    {
        var scanner = new ShapeScanner();
        var other = new ShapeScanner();
        foreach (var sql in Mutations(3))
        {
            scanner.Scan(sql);
            if (!scanner.IsComplete)
                continue;
            other.Scan(ReplaceLiterals(scanner, sql));
            other.IsComplete.ShouldBeTrue();
            Encoding.Latin1.GetString(other.Shape).ShouldBe(Encoding.Latin1.GetString(scanner.Shape), Encoding.UTF8.GetString(sql));
            other.Hash.ShouldBe(scanner.Hash);
            other.StatementCount.ShouldBe(scanner.StatementCount);
        }
    }

    [Fact]
    public void Bytes_without_meaning_do_not_throw()
    {
        var scanner = new ShapeScanner();
        var scratch = new ByteBuffer();
        var random = new Random(4);
        for (var round = 0; round < Rounds; round++)
        {
            var sql = new byte[random.Next(40)];
            random.NextBytes(sql);
            scanner.Scan(sql, standardConformingStrings: random.Next(2) == 0);
            for (var index = 0; index < scanner.LiteralCount; index++)
                LiteralText.TryDecode(sql, scanner.GetLiteral(index), scratch, out _);
        }
    }

    private static IEnumerable<byte[]> Mutations(int seed)
    {
        foreach (var text in SqlCorpus.Texts)
            yield return Encoding.UTF8.GetBytes(text);
        var random = new Random(seed);
        for (var round = 0; round < Rounds; round++)
            yield return SqlCorpus.Mutate(random);
    }

    private static byte[] ReplaceLiterals(ShapeScanner scanner, byte[] sql)
    {
        var output = new MemoryStream();
        var position = 0;
        for (var index = 0; index < scanner.LiteralCount; index++)
        {
            var literal = scanner.GetLiteral(index);
            output.Write(sql.AsSpan(position, literal.Start - position));
            output.Write(Replacement(literal, sql));
            position = literal.End;
        }
        output.Write(sql.AsSpan(position));
        return output.ToArray();
    }

    /// <summary>Written-out literals stay; so does what would join the token at its side.</summary>
    private static ReadOnlySpan<byte> Replacement(Literal literal, byte[] sql)
    {
        var written = sql.AsSpan(literal.Start, literal.Length);
        var before = literal.Start > 0 ? sql[literal.Start - 1] : (byte)' ';
        var after = literal.End < sql.Length ? sql[literal.End] : (byte)' ';
        var afterUescape = Encoding.Latin1.GetString(sql, 0, literal.Start).Contains("uescape", StringComparison.OrdinalIgnoreCase);
        if (afterUescape || before is not ((byte)' ' or (byte)'(' or (byte)',') || after is not ((byte)' ' or (byte)')' or (byte)','))
            return written;
        return literal.Kind switch
        {
            LiteralKind.Integer => "0007"u8,
            LiteralKind.BigInteger => "5000000000"u8,
            LiteralKind.Decimal => "7.25e-3"u8,
            LiteralKind.String or LiteralKind.QuotedString or LiteralKind.DollarString => "$z$ ' -- $z$"u8,
            LiteralKind.EscapedString => "e'\\''"u8,
            LiteralKind.BitString => "B'1'"u8,
            _ => written,
        };
    }

    /// <summary>'a' -- c, and 'b' on the next line, is one string to PostgreSQL; libpg_query, which keeps comments, makes two of it.</summary>
    private static bool ContinuesBehindComment(byte[] sql, List<PgToken> tokens)
    {
        for (var index = 1; index + 1 < tokens.Count; index++)
        {
            if (tokens[index].Token == PgQueryScan.LineComment && sql[tokens[index - 1].End - 1] == '\''
                && tokens[(index + 1)..].FirstOrDefault(static token => token.Token != PgQueryScan.LineComment) is var next && sql[next.Start] == '\'')
                return true;
        }
        return false;
    }

    private static bool HasRoutineBody(string text) => text.Contains("atomic", StringComparison.OrdinalIgnoreCase);

    private static int HeaderLength(ShapeScanner scanner) => scanner.Hint.Kind == RoutingHintKind.Shard ? scanner.Hint.Value.Length + 2 : 1;
}
