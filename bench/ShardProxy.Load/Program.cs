using ShardProxy.Load;

// What pgbench cannot do, for bench/run. It blocks on purpose: one thread that does nothing but receive (or send) is the
// cheapest client there is, and so takes the least from the processes that are measured.
//   load read  PORT PID SQL          runs SQL, counts rows and bytes
//   load write PORT PID TABLE ROWS   COPY TABLE FROM STDIN, rows as pgbench makes them for pgbench_accounts
//   load login PORT PID CLIENTS SECONDS   logs in, queries and closes; prints "logins_a_second cpu_microseconds_each"
//   load idle  PORT COUNT            logs COUNT clients in, prints "ready", ends when its input ends
// User, password and database are PGUSER, PGPASSWORD and PGDATABASE; PID is the process whose CPU time counts, or 0.
// read and write print "seconds cpu_seconds rows bytes", or "refused" where the statement is not supported.
try
{
    return args switch
    {
        ["read", var port, var pid, var sql] => Transfers.Read(LoadTarget.At(port), ProcessTime.Of(pid), sql),
        ["write", var port, var pid, var table, var rows] => Transfers.Write(LoadTarget.At(port), ProcessTime.Of(pid), table, Numbers.Parse(rows)),
        ["login", var port, var pid, var clients, var seconds] =>
            Logins.Run(LoadTarget.At(port), ProcessTime.Of(pid), Numbers.Parse(clients), Numbers.Parse(seconds)),
        ["idle", var port, var count] => IdleClients.Run(LoadTarget.At(port), Numbers.Parse(count)),
        _ => throw new ArgumentException("usage: load read PORT PID SQL | write PORT PID TABLE ROWS | login PORT PID CLIENTS SECONDS | idle PORT COUNT"),
    };
}
catch (ServerRefusedException refusal) when (refusal.SqlState == ServerRefusedException.NotSupported)
{
    Console.Error.WriteLine(refusal.Message);
    Console.WriteLine("refused");
    return 0;
}
catch (Exception failure) when (failure is ServerRefusedException or IOException or System.Net.Sockets.SocketException or ArgumentException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
