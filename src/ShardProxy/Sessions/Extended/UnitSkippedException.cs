namespace ShardProxy.Sessions.Extended;

/// <summary>While one message was being handled the replies of an earlier one turned out to be an error: the rest is skipped until Sync.</summary>
internal sealed class UnitSkippedException : Exception;
