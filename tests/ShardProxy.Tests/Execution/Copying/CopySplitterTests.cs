using System.Text;
using ShardProxy.Directory;
using ShardProxy.Execution.Copying;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Execution.Copying;

public sealed class CopySplitterTests
{
    private const int Rounds = 1500;

    [Theory]
    [InlineData(CopyFormat.Text, 1)]
    [InlineData(CopyFormat.Csv, 2)]
    [InlineData(CopyFormat.Binary, 3)]
    public void Every_row_reaches_its_shard_whole_and_in_order(CopyFormat format, int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < Rounds; round++)
        {
            var sample = CopySample.Create(random, format);
            var harness = CopyHarness.Create(sample.Options, sample.KeyOrdinal, sample.ColumnCount);
            harness.Feed(sample.AllBytes(), random);
            harness.Splitter.Complete();

            var data = $"{sample.Options}\n{Encoding.UTF8.GetString(sample.AllBytes())}";
            harness.Splitter.Status.ShouldBe(CopySplitStatus.Continue, $"{harness.Splitter.Error} {data}");
            harness.Keys.ShouldBe(sample.Rows.Select(static row => row.Key), data);
            for (var shard = 0; shard < CopyHarness.ShardCount; shard++)
            {
                var rows = sample.Rows.Where(row => CopyHarness.ShardOf(row.Key) == shard).SelectMany(static row => row.Row);
                byte[] expected = [.. sample.Preamble, .. rows, .. sample.Trailer];
                harness.PayloadOf(shard).SequenceEqual(expected).ShouldBeTrue(data);
            }
        }
    }

    [Theory]
    [InlineData("1\ta\n\\N\tb\n", "23502", "null value in column \"k\" of relation \"t\" violates not-null constraint", "COPY t, line 2, column k: null input")]
    [InlineData("unreadable\ta\n", "22P02", "invalid input syntax for type text: \"unreadable\"", "COPY t, line 1, column k: \"unreadable\"")]
    [InlineData("unknown\ta\n", "0A000", "the shard of this value of the shard key \"k\" cannot be told", "COPY t, line 1, column k: \"unknown\"")]
    [InlineData("a\tb\r\nc\td\n", "22P04", "literal newline found in data", "COPY t, line 2")]
    [InlineData("a\tb\nc\td\r\n", "22P04", "literal carriage return found in data", "COPY t, line 2")]
    [InlineData("a\tb\r\nc\td\re", "22P04", "literal carriage return found in data", "COPY t, line 2")]
    [InlineData("a\tb\rc\n", "22P04", "literal newline found in data", "COPY t, line 2")]
    [InlineData("a\tb\\.\n", "22P04", "end-of-copy marker is not alone on its line", "COPY t, line 1")]
    [InlineData("\\.x\n", "22P04", "end-of-copy marker corrupt", "COPY t, line 1")]
    [InlineData("\\.", "22P04", "end-of-copy marker corrupt", "COPY t, line 1")]
    [InlineData("a\n*\n", "0A000", "COPY with DEFAULT for the shard key \"k\" is not supported", "COPY t, line 2, column k")]
    public void Text_errors(string data, string sqlState, string message, string where) =>
        ErrorOf(CopyHarness.TextOptions with { DefaultText = "*" }, 0, data).ShouldBe((sqlState, message, where));

    [Theory]
    [InlineData("a\n", "22P04", "missing data for column \"k\"", "COPY t, line 1")]
    [InlineData("\n", "22P04", "missing data for column \"k\"", "COPY t, line 1")]
    [InlineData("a,\n", "23502", "null value in column \"k\" of relation \"t\" violates not-null constraint", "COPY t, line 1, column k: null input")]
    [InlineData("a,b\n\"c\n\nd\",\n", "23502", "null value in column \"k\" of relation \"t\" violates not-null constraint", "COPY t, line 4, column k: null input")]
    [InlineData("a,\"b\n", "22P04", "unterminated CSV quoted field", "COPY t, line 1")]
    [InlineData("a,b\nc,d\r\n", "22P04", "unquoted carriage return found in data", "COPY t, line 2")]
    [InlineData("a,b\r\nc,d\n", "22P04", "unquoted newline found in data", "COPY t, line 2")]
    public void Csv_errors(string data, string sqlState, string message, string where) =>
        ErrorOf(CopyHarness.CsvOptions, 1, data).ShouldBe((sqlState, message, where));

    [Theory]
    [InlineData("PGCOPX", "COPY file signature not recognized")]
    [InlineData("PGCOPY\n\u00ff\r\n\0\0\0\0\0", "invalid COPY file header (missing flags)")]
    [InlineData("PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0\0\u0001\0\0\0\u0001a", "row field count is 1, expected 2")]
    [InlineData("PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0\0\u0002\u00ff\u00ff\u00ff\u00fe", "invalid field size")]
    [InlineData("PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0\0\u0002\0\0\0\u0001a", "unexpected EOF in COPY data")]
    [InlineData("PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0\u00ff\u00ffx", "received copy data after EOF marker")]
    public void Binary_errors(string data, string message)
    {
        var harness = CopyHarness.Create(CopyHarness.TextOptions with { Format = CopyFormat.Binary }, 0, 2);
        harness.Splitter.Feed(Encoding.Latin1.GetBytes(data));
        harness.Splitter.Complete().ShouldBe(CopySplitStatus.Failed);
        harness.Splitter.Error!.Message.ShouldBe(message);
        harness.Splitter.Error!.SqlState.ShouldBe("22P04");
    }

    [Theory]
    [InlineData("a\n\\.\nb\n", "a")]
    [InlineData("a\r\n\\.\r\nb", "a")]
    [InlineData("\\.\n", "")]
    public void What_follows_the_end_marker_is_ignored(string data, string keys)
    {
        foreach (var options in new[] { CopyHarness.TextOptions, CopyHarness.CsvOptions })
        {
            var harness = CopyHarness.Create(options, 0, 1);
            harness.Feed(Encoding.UTF8.GetBytes(data), new Random(5));
            harness.Splitter.Complete().ShouldBe(CopySplitStatus.Ended);
            string.Join(',', harness.Keys).ShouldBe(keys);
        }
    }

    [Theory]
    [InlineData("\\.\n", 180000, "\\.")]
    [InlineData("\\.x\n", 150000, "\\.x")]
    [InlineData("\\.", 150000, "\\.")]
    [InlineData("\"\\.\"\n", 150000, "\\.")]
    [InlineData("\"a\n\\.\n\"\n", 150000, "a\n\\.\n")]
    public void A_backslash_and_a_dot_may_be_csv_data(string data, int serverVersion, string key) =>
        KeysOf(CopyHarness.CsvOptions, data, CopyHarness.Settings with { ServerVersion = serverVersion }).ShouldBe([key]);

    [Fact]
    public void Forced_nulls()
    {
        KeysOf(CopyHarness.CsvOptions with { ForceNotNullOnKey = true }, "\n").ShouldBe([""]);
        KeysOf(CopyHarness.CsvOptions, "\"\"\n").ShouldBe([""]);
        ErrorOf(CopyHarness.CsvOptions with { ForceNullOnKey = true }, 0, "\"\"\n").SqlState.ShouldBe("23502");
        ErrorOf(CopyHarness.CsvOptions with { NullText = "x", ForceNullOnKey = true }, 0, "\"x\"\n").SqlState.ShouldBe("23502");
    }

    [Fact]
    public void A_row_longer_than_the_limit_is_an_error_before_it_is_complete()
    {
        var settings = CopyHarness.Settings with { MaxRowLength = 100 };
        foreach (var data in new[] { "short\n" + new string('x', 101), "short\n" + new string('x', 101) + "\n" })
        {
            var harness = CopyHarness.Create(CopyHarness.TextOptions, 0, 1, settings);
            harness.Splitter.Feed(Encoding.ASCII.GetBytes(data)).ShouldBe(CopySplitStatus.Failed);
            (harness.Splitter.Error!.SqlState, harness.Splitter.Error.Where).ShouldBe(("54000", "COPY t, line 2"));
        }
    }

    [Theory]
    [InlineData("SJIS", "UTF8", "0A000")]
    [InlineData("win936", "UTF8", "0A000")]
    [InlineData("shift_jis_2004", "UTF8", "0A000")]
    [InlineData("LATIN1", "UTF8", null)]
    [InlineData("unicode", "UTF-8", null)]
    public void Encodings(string client, string server, string? sqlState)
    {
        var harness = CopyHarness.Create(CopyHarness.TextOptions, 0, 1, CopyHarness.Settings with { ClientEncoding = client, ServerEncoding = server });
        harness.Refusal?.SqlState.ShouldBe(sqlState);
        (harness.Refusal is null).ShouldBe(sqlState is null);
    }

    [Fact]
    public void A_key_that_the_server_would_convert_is_refused()
    {
        var settings = CopyHarness.Settings with { ClientEncoding = "LATIN1" };
        ErrorOf(CopyHarness.TextOptions, 0, "\u00e4\n", settings).SqlState.ShouldBe("0A000");
        KeysOf(CopyHarness.TextOptions with { Encoding = "UTF8" }, "\u00e4\n", settings).ShouldBe(["\u00e4"]);
        KeysOf(CopyHarness.TextOptions, "a\t\u00e4\n", settings).ShouldBe(["a"]);
    }

    [Theory]
    [InlineData(23u, -1, "abc", "22P02", "invalid input syntax for type integer: \"abc\"")]
    [InlineData(23u, -1, " -3000000000", "22003", "value \" -3000000000\" is out of range for type integer")]
    [InlineData(1043u, 7, "abcd", "22001", "value too long for type character varying(3)")]
    [InlineData(2950u, -1, "x", "22P02", "invalid input syntax for type uuid: \"x\"")]
    [InlineData(1082u, -1, "2024-13-77", "22007", "invalid input syntax for type date: \"2024-13-77\"")]
    public void What_PostgreSQL_says_of_a_value(uint type, int modifier, string key, string sqlState, string message)
    {
        var error = CopyKeyErrors.Invalid(new KeyType(type, modifier), Encoding.UTF8.GetBytes(key), key);
        (error.SqlState, error.Message).ShouldBe((sqlState, message));
    }

    [Fact]
    public void Keys_are_hashed_as_PostgreSQL_hashes_them()
    {
        var table = new TableDistribution(new QualifiedName("public", "t"), TableKind.Sharded, "k", "public.t");
        var directory = new DirectorySnapshot(1, "c", [table], DirectorySnapshot.SpreadEvenly(1024, 2));
        var outputs = new[] { new ByteBuffer(), new ByteBuffer() };
        var plan = new CopyPlan(From: true, table, 0, new KeyType(23, -1), 1, CopyHarness.TextOptions);
        CopySplitter.TryCreate(plan, directory, outputs, CopyHarness.Settings, out var splitter, out _).ShouldBeTrue();
        splitter!.Feed("1\n 1 \n+1\n01\n"u8);
        splitter.Complete().ShouldBe(CopySplitStatus.Continue);
        var target = new KeyTarget(23, -1, KeyUse.Store);
        KeyHasher.TryHashText(target, "1"u8, out var hash).ShouldBe(KeyHashResult.Hashed);
        var owner = directory.ShardOfBucket(directory.BucketOf(hash));
        outputs[1 - owner].IsEmpty.ShouldBeTrue();
        outputs[owner].Unread[Frame.HeaderLength..].SequenceEqual("1\n 1 \n+1\n01\n"u8).ShouldBeTrue();
    }

    [Fact]
    public void Rows_are_gathered_into_frames_of_bounded_size()
    {
        var harness = CopyHarness.Create(CopyHarness.TextOptions, 0, 1, recordsKeys: false);
        var row = Encoding.ASCII.GetBytes(new string('x', 999) + "\n");
        for (var count = 0; count < 1000; count++)
            harness.Splitter.Feed(row);
        harness.Splitter.Flush();
        var output = harness.Outputs[CopyHarness.ShardOf(new string('x', 999))];
        var frames = 0;
        for (var rest = output.Unread; !rest.IsEmpty; frames++)
        {
            Frame.TryRead(rest, 64 * 1024, out _, out var length).ShouldBe(FrameStatus.Complete);
            rest = rest[length..];
        }
        frames.ShouldBe(16);
        harness.Splitter.Rows.ShouldBe(1000);
    }

    [Theory]
    [InlineData(CopyFormat.Text)]
    [InlineData(CopyFormat.Csv)]
    public void A_row_allocates_nothing(CopyFormat format)
    {
        var harness = CopyHarness.Create(format == CopyFormat.Text ? CopyHarness.TextOptions : CopyHarness.CsvOptions, 0, 2, recordsKeys: false);
        var rows = Encoding.ASCII.GetBytes(format == CopyFormat.Text ? "a\\tb\tx\nkey2\ty\nke" : "\"a\"\"b\",x\nkey2,y\nke");
        FeedAndEmpty(harness, rows, 200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        FeedAndEmpty(harness, rows, 200);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static void FeedAndEmpty(CopyHarness harness, byte[] rows, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            harness.Splitter.Feed(rows);
            harness.Splitter.Flush();
            for (var shard = 0; shard < CopyHarness.ShardCount; shard++)
                harness.Outputs[shard].Clear();
        }
    }

    private static (string SqlState, string Message, string? Where) ErrorOf(CopyOptions options, int keyOrdinal, string data, CopySplitterSettings? settings = null)
    {
        var harness = CopyHarness.Create(options, keyOrdinal, 2, settings);
        harness.Feed(Encoding.UTF8.GetBytes(data), new Random(7));
        harness.Splitter.Complete().ShouldBe(CopySplitStatus.Failed);
        var error = harness.Splitter.Error!;
        return (error.SqlState, error.Message, error.Where);
    }

    private static List<string> KeysOf(CopyOptions options, string data, CopySplitterSettings? settings = null)
    {
        var harness = CopyHarness.Create(options, 0, 1, settings);
        harness.Feed(Encoding.UTF8.GetBytes(data), new Random(8));
        harness.Splitter.Complete().ShouldBe(CopySplitStatus.Continue, harness.Splitter.Error?.Message);
        return harness.Keys;
    }
}
