using LoraOps.Bundles;

namespace LoraOps.Cli.Reports;

/// <summary>A file that a proof rests on.</summary>
/// <param name="Role">What it was used for.</param>
/// <param name="Name">Its name without the folders of the machine.</param>
/// <param name="Sha256">Its digest; a folder's is over the names and digests of its files.</param>
internal sealed record ComparedFile(string Role, string Name, string Sha256)
{
    /// <summary>The digests of files and of the weights beside a model; what is no file, such as an adapter's number, is left out.</summary>
    /// <param name="files">Roles and paths.</param>
    public static IReadOnlyList<ComparedFile> Of(IEnumerable<(string Role, string Path)> files) =>
    [
        .. files.SelectMany(file => new[] { file, ($"{file.Role}, its weights", file.Path + ".data") })
            .Where(file => Path.Exists(file.Item2))
            .DistinctBy(file => (file.Item1, Path.GetFullPath(file.Item2)))
            .Select(file => new ComparedFile(file.Item1, ReportText.FileName(file.Item2), Digest.OfPath(file.Item2))),
    ];
}
