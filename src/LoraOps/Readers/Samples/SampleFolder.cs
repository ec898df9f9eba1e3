using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>The arrays of a folder of samples, each in the parts that it lies in.</summary>
internal static class SampleFolder
{
    /// <summary>
    /// NAME.npy is an array in one part, a folder NAME of .npy files one in several; where there is neither, each .safetensors file holds a part
    /// of every array.
    /// </summary>
    /// <exception cref="LoraOpsException">A file is invalid; all are named.</exception>
    public static IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parts)> Open(string folder)
    {
        var arrays = new List<(string Name, IReadOnlyList<Tensor> Parts)>();
        var problems = new List<Problem>();
        foreach (var file in Files(folder, "*.npy"))
            Collect(problems, () => arrays.Add((NameOf(file), [NpyFile.Open(file, NameOf(file))])));

        foreach (var inner in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(inner);
            var files = Files(inner, "*.npy").ToList();
            if (files.Count > 0 && !arrays.Exists(array => array.Name == name))
                Collect(problems, () => arrays.Add((name, [.. files.Select(file => NpyFile.Open(file, name))])));
        }

        if (arrays.Count == 0 && problems.Count == 0)
            Collect(problems, () => arrays.AddRange(Shared([.. Files(folder, "*.safetensors").Select(SampleSet.OpenFile)])));

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        return arrays.Count > 0 ? arrays : throw new LoraOpsException(SampleProblems.None(folder));
    }

    // Arrays that not all files have are left out.
    private static IEnumerable<(string Name, IReadOnlyList<Tensor> Parts)> Shared(IReadOnlyList<List<Tensor>> files) =>
        (files.Count == 0 ? [] : files[0])
            .Select(tensor => (tensor.Name, Parts: files.Select(file => file.Find(other => other.Name == tensor.Name)).OfType<Tensor>().ToList()))
            .Where(array => array.Parts.Count == files.Count)
            .Select(array => (array.Name, (IReadOnlyList<Tensor>)array.Parts));

    private static IEnumerable<string> Files(string folder, string pattern) => Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal);

    private static string NameOf(string file) => Path.GetFileNameWithoutExtension(file);

    private static void Collect(List<Problem> problems, Action open)
    {
        try
        {
            open();
        }
        catch (LoraOpsException error)
        {
            problems.AddRange(error.Problems);
        }
    }
}
