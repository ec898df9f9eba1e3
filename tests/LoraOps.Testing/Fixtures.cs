namespace LoraOps.Testing;

/// <summary>Where the test data lies: <c>fixtures/</c> always, <c>../shared</c> only where this checkout has it.</summary>
public static class Fixtures
{
    /// <summary>The root of the repository: the folder of LoraOps.sln.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The big golden data beside the checkout, or null on a machine that has only the clone.</summary>
    public static string? Shared { get; } = FindShared();

    /// <summary>A path below <c>fixtures/</c>.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Repository, "fixtures", .. parts]);

    private static string FindRepository()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(System.IO.Path.Combine(at, "LoraOps.sln")))
                return at;
        }

        throw new InvalidOperationException("The tests run inside the repository.");
    }

    // A clone may lie deeper than the checkout beside which the data was put.
    private static string? FindShared()
    {
        for (var at = System.IO.Path.GetDirectoryName(Repository); at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            var shared = System.IO.Path.Combine(at, "shared");
            if (Directory.Exists(System.IO.Path.Combine(shared, "goldens")))
                return shared;
        }

        return null;
    }
}
