using Microsoft.Extensions.Logging;

namespace ShardProxy.Diagnostics;

/// <summary>The least level that is logged; a reload changes it while everything runs.</summary>
internal sealed class LogLevelSwitch(LogLevel minimum)
{
    private volatile LogLevel _minimum = minimum;

    public LogLevel Minimum
    {
        get => _minimum;
        set => _minimum = value;
    }
}
