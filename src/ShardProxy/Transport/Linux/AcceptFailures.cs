namespace ShardProxy.Transport.Linux;

/// <summary>Sorts accept4's errors as accept(2) says under "Error handling".</summary>
internal static class AcceptFailures
{
    internal static AcceptFailure Of(int error) => error switch
    {
        Errno.Again => AcceptFailure.None,
        Errno.FilesInProcess or Errno.FilesInSystem or Errno.NoBuffers or Errno.OutOfMemory => AcceptFailure.BackOff,
        _ => AcceptFailure.TryNext,
    };
}
