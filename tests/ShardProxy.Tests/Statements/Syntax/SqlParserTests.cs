using System.Text;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Tests.Statements.Syntax;

public sealed class SqlParserTests
{
    [Fact]
    public void ReadsStatementsWithTheirPlaces()
    {
        var tree = SqlParser.Parse("select 1; ; update t set a = 2 where b = 3 "u8).ShouldBeOfType<SyntaxTree>();
        tree.Statements.Length.ShouldBe(2);
        (tree.Statements[0].Start, tree.Statements[0].End).ShouldBe((0, 8));
        tree.Statements[1].Statement.ShouldBeOfType<QueryStatement>().Query.ShouldBeOfType<Update>().Target.Name.ShouldBe("t");
    }

    [Fact]
    public void SaysWhereTheGrammarStops()
    {
        var failure = SqlParser.Parse("select é frm t where"u8).ShouldBeOfType<ParseFailure>();
        failure.Message.ShouldBe("syntax error at or near \"t\"");
        // In characters, not bytes.
        failure.Position.ShouldBe(14);
    }

    [Fact]
    public void AnEmptyTextHasNoStatement() =>
        SqlParser.Parse(" ; -- nothing"u8).ShouldBeOfType<SyntaxTree>().Statements.ShouldBeEmpty();

    [Fact]
    public void LocationsAreBytes()
    {
        var tree = SqlParser.Parse("select 'é', a = 5"u8).ShouldBeOfType<SyntaxTree>();
        var select = tree.Statements[0].Statement.ShouldBeOfType<QueryStatement>().Query.ShouldBeOfType<Select>();
        var comparison = select.Outputs[1].Value.ShouldBeOfType<OperatorExpression>();
        comparison.Right.ShouldBeOfType<Constant>().Location.ShouldBe(17);
    }

    [Fact]
    public void BytesThatAreNoUtf8DoNoHarm()
    {
        var latin1 = Encoding.Latin1.GetBytes("select 'é' from \"é\"");
        var tree = SqlParser.Parse(latin1).ShouldBeOfType<SyntaxTree>();
        var select = tree.Statements[0].Statement.ShouldBeOfType<QueryStatement>().Query.ShouldBeOfType<Select>();
        select.From[0].ShouldBeOfType<FromTable>().Name.Name.ShouldBe("é");
    }

    [Fact]
    public void RandomBytesNeverThrow()
    {
        var random = new Random(1);
        var words = new[] { "select ", "from ", "(", ")", "'", "\"", "$1", ",", "where ", "é", "\xff", "=", "5", "union ", ";", "--", "/*" };
        for (var round = 0; round < 2_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => words[random.Next(words.Length)]));
            SqlParser.Parse(Encoding.Latin1.GetBytes(text)).ShouldNotBeNull();
        }
    }

    [Fact]
    public void ALongChainOfConditionsIsRead()
    {
        var text = "select 1 where " + string.Join(" or ", Enumerable.Range(0, 20_000).Select(static number => $"a = {number}"));
        SqlParser.Parse(Encoding.UTF8.GetBytes(text)).ShouldBeOfType<SyntaxTree>();
    }

    [Fact]
    public async Task ThreadsDoNotDisturbEachOther()
    {
        var tasks = Enumerable.Range(0, 4).Select(static thread => Task.Run(() =>
        {
            for (var round = 0; round < 500; round++)
            {
                var tree = SqlParser.Parse(Encoding.UTF8.GetBytes($"select a from t{thread} where b = {round}")).ShouldBeOfType<SyntaxTree>();
                var select = tree.Statements[0].Statement.ShouldBeOfType<QueryStatement>().Query.ShouldBeOfType<Select>();
                select.From[0].ShouldBeOfType<FromTable>().Name.Name.ShouldBe($"t{thread}");
            }
        }));
        await Task.WhenAll(tasks);
    }
}
