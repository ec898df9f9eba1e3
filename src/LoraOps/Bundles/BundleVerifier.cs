using LoraOps.Problems;

namespace LoraOps.Bundles;

/// <summary>Proves that a bundle is, byte for byte, what its maker wrote: nothing changed, missing, added or redirected.</summary>
public static class BundleVerifier
{
    private const long MaxTextBytes = 16 << 20;

    /// <summary>Everything that is wrong with a bundle; empty if it is intact.</summary>
    /// <param name="folder">The bundle.</param>
    /// <exception cref="LoraOpsException">There is no such folder.</exception>
    public static IReadOnlyList<Problem> Verify(string folder)
    {
        if (!Directory.Exists(folder))
            throw new LoraOpsException(File.Exists(folder) ? FileProblems.KindUnknown(folder, "a bundle's folder") : FileProblems.FileMissing(folder));

        var problems = new List<Problem>();
        var present = BundleListing.Of(folder, problems);
        var sums = ReadSums(folder, present, problems);
        if (sums is null)
            return problems;

        foreach (var sum in sums)
            CheckFile(folder, sum, present, problems);

        var known = sums.Select(sum => sum.Path).Append(Sums.FileName).ToHashSet(StringComparer.Ordinal);
        problems.AddRange(present.Keys.Where(path => !known.Contains(path)).Select(path => BundleProblems.FileExtra(In(folder, path))));
        CheckManifest(folder, sums, present, problems);
        return problems;
    }

    /// <summary>Reads the manifest of a bundle that is intact.</summary>
    /// <exception cref="LoraOpsException">The bundle is not intact: all its problems.</exception>
    public static BundleManifest Read(string folder)
    {
        var problems = Verify(folder);
        var path = In(folder, BundleWriter.ManifestName);
        return problems.Count > 0 ? throw new LoraOpsException(problems) : ManifestJson.Parse(File.ReadAllBytes(path), path);
    }

    private static List<Sum>? ReadSums(string folder, SortedDictionary<string, long> present, List<Problem> problems)
    {
        var path = In(folder, Sums.FileName);
        if (ReadText(path, Sums.FileName, present, problems) is not { } bytes)
            return null;

        var faults = new List<(int Line, string Fault)>();
        var sums = Sums.Parse(bytes, faults);
        problems.AddRange(faults.Select(fault => BundleProblems.SumsInvalid($"{path}:{fault.Line}", fault.Fault)));
        if (!sums.Any(sum => sum.Path == BundleWriter.ManifestName))
            problems.Add(BundleProblems.SumsInvalid(path, $"it does not cover {BundleWriter.ManifestName}"));

        return sums;
    }

    private static void CheckFile(string folder, Sum sum, SortedDictionary<string, long> present, List<Problem> problems)
    {
        var path = In(folder, sum.Path);
        if (!present.ContainsKey(sum.Path))
            problems.Add(BundleProblems.FileMissing(path));
        else if (Digest.OfFile(path) is var found && found != sum.Digest)
            problems.Add(BundleProblems.FileChanged(path, found, sum.Digest));
    }

    private static void CheckManifest(string folder, List<Sum> sums, SortedDictionary<string, long> present, List<Problem> problems)
    {
        var path = In(folder, BundleWriter.ManifestName);
        if (!present.ContainsKey(BundleWriter.ManifestName) || ReadText(path, BundleWriter.ManifestName, present, problems) is not { } bytes)
            return;

        try
        {
            var listed = ManifestJson.Parse(bytes, path).Files;
            problems.AddRange(Disagreements(listed, sums, present).Select(what => BundleProblems.ManifestDisagrees(path, what)));
        }
        catch (LoraOpsException invalid)
        {
            problems.AddRange(invalid.Problems);
        }
    }

    private static IEnumerable<string> Disagreements(
        IReadOnlyList<ManifestFile> listed, List<Sum> sums, SortedDictionary<string, long> present)
    {
        var digests = sums.Where(sum => sum.Path != BundleWriter.ManifestName).ToDictionary(sum => sum.Path, sum => sum.Digest);
        foreach (var file in listed)
        {
            if (!digests.Remove(file.Path, out var digest))
                yield return $"it lists '{file.Path}', which {Sums.FileName} does not, or lists it twice";
            else if (file.Sha256 != digest)
                yield return $"it gives '{file.Path}' another digest than {Sums.FileName}";
            else if (present.TryGetValue(file.Path, out var bytes) && bytes != file.Bytes)
                yield return $"it gives '{file.Path}' {file.Bytes} bytes, but there are {bytes}";
        }

        foreach (var path in digests.Keys)
            yield return $"it does not list '{path}', which {Sums.FileName} does";
    }

    private static byte[]? ReadText(string path, string name, SortedDictionary<string, long> present, List<Problem> problems)
    {
        if (!present.TryGetValue(name, out var length))
            problems.Add(BundleProblems.FileMissing(path));
        else if (length is 0 or > MaxTextBytes)
            problems.Add(BundleProblems.SumsInvalid(path, $"its length is {length} bytes; 1 to {MaxTextBytes} are allowed"));
        else
            return File.ReadAllBytes(path);

        return null;
    }

    private static string In(string folder, string path) => Path.Combine(folder, path);
}
