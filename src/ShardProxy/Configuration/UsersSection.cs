namespace ShardProxy.Configuration;

/// <summary>Reads <c>users</c>.</summary>
internal static class UsersSection
{
    /// <param name="passThrough">Users without a password are checked by the home shard.</param>
    public static IReadOnlyList<UserConfig> Read(IReadOnlyList<Section> sections, bool passThrough)
    {
        var users = new List<UserConfig>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in sections)
        {
            using var _ = section;
            if (section.Require("name") is not { } name)
                continue;
            if (!Identifiers.IsPostgresName(name.Text))
                section.Scope.Report(name.At, $"{name.Path} must be from 1 to 63 bytes long.");
            else if (!names.Add(name.Text))
                section.Scope.Report(name.At, $"{name.Path}: the user {name.Text} is there twice.");
            users.Add(new UserConfig(name.Text, ReadPassword(section, name.Text, passThrough), section.Text("server_user"), section.Text("server_password"))
            {
                IsAdmin = section.Flag("admin", false),
            });
        }
        return users;
    }

    private static string? ReadPassword(Section section, string user, bool passThrough)
    {
        var password = section.Find("password");
        if (password is null or { Text: "" })
        {
            var reported = password is null && section.Has("password");
            if (!passThrough && !reported)
                section.Scope.Report(section.At, $"{section.Path}: the user {user} has no password; give one, or set authentication.pass_through.");
            return null;
        }
        if (PasswordVerifier.LooksLikeScram(password.Value.Text) && !PasswordVerifier.IsScram(password.Value.Text))
        {
            section.Scope.Report(
                password.Value.At,
                $"{password.Value.Path} starts as a SCRAM verifier and is none: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, as in pg_authid.rolpassword.");
        }
        return password.Value.Text;
    }
}
