namespace ShardProxy.CommandLine;

/// <summary>What a person sees when everything runs.</summary>
internal static class EmbeddedWelcome
{
    public static string Text(string url, string logFile) =>
        $"""
        ready: {url}

        Connect with any PostgreSQL client, such as psql '{url}', and try:

          -- The key says which server is asked.
          SELECT name, city, inet_server_port() AS server FROM users WHERE id = 42;
          SELECT name, city, inet_server_port() AS server FROM users WHERE id = 43;

          -- Orders live beside their user, products on every shard: a join on one server.
          SELECT o.id, p.name, o.quantity, o.quantity * p.price AS total
          FROM orders o JOIN products p ON p.id = o.product_id
          WHERE o.user_id = 42 ORDER BY o.id;

          -- A transaction of one user.
          BEGIN; UPDATE orders SET quantity = quantity + 1 WHERE user_id = 42; ROLLBACK;

          -- This one needs rows of every shard: each counts its own, the proxy adds up.
          SELECT city, count(*) FROM users GROUP BY city ORDER BY count DESC LIMIT 3;

          -- What cannot be right yet is refused, with the reason and what to do.
          UPDATE users SET city = 'Rome' WHERE city = 'Turin';

        The proxy's log is {logFile}. Ctrl-C stops everything.
        """;
}
