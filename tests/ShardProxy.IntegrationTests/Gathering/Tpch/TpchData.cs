using System.Globalization;

namespace ShardProxy.IntegrationTests.Gathering.Tpch;

/// <summary>
/// Seeded rows in COPY's text format, with the value ranges of the TPC-H specification (4.2.3) as far as its queries look at
/// them; the texts between are shorter.
/// </summary>
internal sealed class TpchData(double scale)
{
    private static readonly string[] Regions = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"];

    private static readonly (string Name, int Region)[] Nations =
    [
        ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3), ("GERMANY", 3), ("INDIA", 2),
        ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4), ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1),
        ("CHINA", 2), ("ROMANIA", 3), ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3), ("UNITED STATES", 1),
    ];

    private static readonly string[] Colors = ["almond", "antique", "azure", "blue", "brown", "chocolate", "coral", "forest", "green", "ivory", "lime", "navy", "olive", "plum", "red", "rose"];
    private static readonly string[] First = ["STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"];
    private static readonly string[] Second = ["ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"];
    private static readonly string[] Third = ["TIN", "NICKEL", "BRASS", "STEEL", "COPPER"];
    private static readonly string[] Sizes = ["SM", "LG", "MED", "JUMBO", "WRAP"];
    private static readonly string[] Boxes = ["CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"];
    private static readonly string[] Segments = ["AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"];
    private static readonly string[] Priorities = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"];
    private static readonly string[] Instructions = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"];
    private static readonly string[] Modes = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"];
    private static readonly DateOnly Start = new(1992, 1, 1);
    private static readonly DateOnly Current = new(1995, 6, 17);

    private readonly Random _random = new(22);

    private int Suppliers => Count(10_000, 10);
    private int Parts => Count(200_000, 200);
    private int Customers => Count(150_000, 150);

    /// <summary>Tables and their rows, a line each; lineitem right behind orders, from which its dates come.</summary>
    public IEnumerable<(string Table, string Line)> Rows()
    {
        for (var region = 0; region < Regions.Length; region++)
            yield return ("region", Line(region, Regions[region], "about " + Regions[region]));
        for (var nation = 0; nation < Nations.Length; nation++)
            yield return ("nation", Line(nation, Nations[nation].Name, Nations[nation].Region, "nation"));
        for (var supplier = 1; supplier <= Suppliers; supplier++)
        {
            var nation = _random.Next(25);
            var comment = supplier % 7 == 0 ? "the Customer has many Complaints" : "sleeps well";
            yield return ("supplier", Line(supplier, $"Supplier#{supplier:000000000}", "address " + supplier, nation, Phone(nation), Money(-999, 9999), comment));
        }
        for (var part = 1; part <= Parts; part++)
        {
            var maker = _random.Next(1, 6);
            var name = string.Join(' ', Enumerable.Range(0, 5).Select(_ => Pick(Colors)));
            yield return ("part", Line(part, name, "Manufacturer#" + maker, $"Brand#{maker}{_random.Next(1, 6)}", $"{Pick(First)} {Pick(Second)} {Pick(Third)}",
                _random.Next(1, 51), $"{Pick(Sizes)} {Pick(Boxes)}", Price(part), "part"));
            for (var index = 0; index < 4; index++)
            {
                var supplier = SupplierOf(part, index);
                yield return ("partsupp", Line(part, supplier, _random.Next(1, 10_000), Money(1, 1000), "supplied"));
            }
        }
        for (var customer = 1; customer <= Customers; customer++)
        {
            var nation = _random.Next(25);
            yield return ("customer", Line(customer, $"Customer#{customer:000000000}", "address " + customer, nation, Phone(nation), Money(-999, 9999), Pick(Segments), "customer"));
        }
        for (var order = 1; order <= Customers * 10; order++)
        {
            foreach (var row in Order(order))
                yield return row;
        }
    }

    private IEnumerable<(string, string)> Order(int order)
    {
        // A third of the customers never order.
        var customer = _random.Next(1, Customers + 1);
        customer = customer % 3 == 0 ? customer - 1 : customer;
        var date = Start.AddDays(_random.Next(2406));
        var comment = _random.Next(10) == 0 ? "some special kind of requests" : "ordinary";
        yield return ("orders", Line(order, customer, date < Current.AddDays(-90) ? "F" : date > Current ? "O" : "P", Money(1000, 400_000), date, Pick(Priorities),
            $"Clerk#{_random.Next(1, 1000):000000000}", 0, comment));
        var lines = _random.Next(1, 8);
        for (var line = 1; line <= lines; line++)
        {
            var part = _random.Next(1, Parts + 1);
            var supplier = SupplierOf(part, _random.Next(4));
            var quantity = _random.Next(1, 51);
            var shipped = date.AddDays(_random.Next(1, 122));
            var received = shipped.AddDays(_random.Next(1, 31));
            yield return ("lineitem", Line(order, part, supplier, line, quantity, Invariant(quantity * (90_000 + (part % 20_001)) / 100m), Invariant(_random.Next(11) / 100m),
                Invariant(_random.Next(9) / 100m), received <= Current ? (_random.Next(2) == 0 ? "R" : "A") : "N", shipped > Current ? "O" : "F",
                shipped, date.AddDays(_random.Next(30, 91)), received, Pick(Instructions), Pick(Modes), "line"));
        }
    }

    // Four for each part, none of them twice.
    private int SupplierOf(int part, int index) => ((part + (part / Suppliers) + (index * (Suppliers / 4))) % Suppliers) + 1;

    private int Count(int atOne, int least) => Math.Max(least, (int)(atOne * scale));

    private string Pick(string[] values) => values[_random.Next(values.Length)];

    private string Money(int from, int to) => Invariant(_random.Next(from * 100, to * 100) / 100m);

    private string Phone(int nation) => $"{nation + 10}-{_random.Next(100, 1000)}-{_random.Next(100, 1000)}-{_random.Next(1000, 10_000)}";

    private static string Price(int part) => Invariant((90_000 + (part / 10 % 20_001) + (100 * (part % 1000))) / 100m);

    private static string Invariant(decimal value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Line(params object[] values) => string.Join('\t', values.Select(static value =>
        value is DateOnly date ? date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{value}"))) + "\n";
}
