using Microsoft.Extensions.Logging;

namespace ShardProxy.Diagnostics;

/// <summary>Statements: ids 1400–1499. Nothing here is logged for every statement at the default level.</summary>
internal static partial class LogStatements
{
    /// <param name="verb">"select", "insert", …</param>
    /// <param name="shape">The statement with its literals folded away: no value of the user's stands in a log.</param>
    /// <param name="shard">The shard's name; "*" when several ran it.</param>
    [LoggerMessage(1400, LogLevel.Warning, "Slow {Verb}: {Milliseconds} ms on shard {Shard} for user {User} in database {Database}: {Shape}")]
    public static partial void SlowQuery(ILogger logger, string verb, double milliseconds, string shard, string user, string database, string shape);
}
