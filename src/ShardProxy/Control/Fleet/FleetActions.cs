using ShardProxy.Control.Lookups;

namespace ShardProxy.Control.Fleet;

/// <summary>What a fleet member asks of its database's routing.</summary>
/// <param name="Publish">Routes by the directory's newest content; completes when every loop does.</param>
/// <param name="Served">The version by which every statement is routed now.</param>
/// <param name="RefreshCatalog">Reads the shards' catalogs again. False: they cannot be read now.</param>
/// <param name="ApplyFile">Declares what the configuration file adds, in the background.</param>
/// <param name="Drained">The number of the last move of a key of which this proxy's transactions have let go.</param>
/// <param name="Keys">Puts back the places of keys that the store has lost.</param>
/// <param name="SetLeaseLost">Whether others may have distributed a table without this proxy's knowing.</param>
internal sealed record FleetActions(
    Func<Task> Publish,
    Func<Task<long>> Served,
    Func<Task<bool>> RefreshCatalog,
    Action ApplyFile,
    Action<bool> SetLeaseLost,
    Func<long> Drained,
    KeyRecovery Keys);
