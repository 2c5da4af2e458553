using YamlDotNet.Core;

namespace ShardProxy.Configuration;

/// <summary>A value of the file with environment variables filled in, and where it stands.</summary>
internal readonly record struct Scalar(string Text, Mark At, string Path);
