using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>
/// Samples for a model: one array for each of its inputs (and labels or outputs), the first axis counting the samples.
/// Only the elements that are asked for are read, and no file stays open.
/// </summary>
public sealed class SampleSet
{
    private readonly SortedDictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private SampleSet(string path, IEnumerable<Tensor> tensors)
    {
        Path = path;
        foreach (var tensor in tensors)
            _tensors.Add(tensor.Name, tensor);

        Count = CheckedCount(path, _tensors);
    }

    /// <summary>The file or folder as it was named.</summary>
    public string Path { get; }

    /// <summary>The number of samples, at least 1.</summary>
    public int Count { get; }

    /// <summary>The arrays, [samples, …], sorted by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Opens a .safetensors file, or a folder with one NAME.npy for each array.</summary>
    /// <exception cref="LoraOpsException">A file is invalid, or the arrays disagree on the number of samples.</exception>
    public static SampleSet Open(string fileOrFolder)
    {
        if (Directory.Exists(fileOrFolder))
            return new SampleSet(fileOrFolder, OpenFolder(fileOrFolder));

        if (fileOrFolder.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
            throw new LoraOpsException(FileProblems.KindUnknown(fileOrFolder, "a .safetensors file or a folder of .npy"));

        return new SampleSet(fileOrFolder, OpenFile(fileOrFolder));
    }

    /// <summary>The samples of several sets one after another; arrays that not all of them have are left out.</summary>
    /// <param name="sets">At least one.</param>
    /// <exception cref="LoraOpsException">An array has other types or dimensions than in the first set.</exception>
    public static SampleSet Join(IReadOnlyList<SampleSet> sets) =>
        sets.Count == 1 ? sets[0] : Combine(sets, (name, parts) => new JoinedTensor(name, parts));

    /// <summary>The same samples with another array, or one in place of another.</summary>
    /// <param name="array">[samples, …]</param>
    /// <exception cref="LoraOpsException">It has another number of samples.</exception>
    public SampleSet With(Tensor array) => new(Path, _tensors.Values.Where(tensor => tensor.Name != array.Name).Append(array));

    /// <summary>The first samples; all if there are no more.</summary>
    public SampleSet First(int count) =>
        count >= Count ? this : new SampleSet(Path, _tensors.Values.Select(tensor => new FirstRows(tensor, count)));

    /// <summary>The array of this name, or null.</summary>
    public Tensor? Find(string name) => _tensors.GetValueOrDefault(name);

    internal static SampleSet Combine(
        IReadOnlyList<SampleSet> sets, Func<string, List<Tensor>, Tensor> combine, Func<List<Tensor>, List<Tensor>>? prepare = null)
    {
        var shared = sets[0]._tensors.Keys.Where(name => sets.All(set => set._tensors.ContainsKey(name)))
            .Select(name => (Name: name, Parts: sets.Select(set => set._tensors[name]).ToList()))
            .Select(array => prepare is null ? array : (array.Name, Parts: prepare(array.Parts))).ToList();
        var problems = shared.Where(array => !JoinedTensor.CanJoin(array.Parts))
            .Select(array => SampleProblems.Unlike(sets[^1].Path, array.Name, sets[0].Path));
        return problems.ToList() is { Count: > 0 } wrong
            ? throw new LoraOpsException(wrong)
            : new SampleSet(string.Join(", ", sets.Select(set => set.Path)), shared.Select(array => combine(array.Name, array.Parts)));
    }

    private static List<Tensor> OpenFolder(string folder)
    {
        var tensors = new List<Tensor>();
        var problems = new List<Problem>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.npy").Order(StringComparer.Ordinal))
        {
            try
            {
                tensors.Add(NpyFile.Open(file, System.IO.Path.GetFileNameWithoutExtension(file)));
            }
            catch (LoraOpsException error)
            {
                problems.AddRange(error.Problems);
            }
        }

        return problems.Count == 0 ? tensors : throw new LoraOpsException(problems);
    }

    private static List<Tensor> OpenFile(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return [.. file.Tensors.Cast<StoredTensor>().Select(
            tensor => new FileTensor(tensor.Name, tensor.Type, tensor.Shape, path, tensor.Start))];
    }

    private static int CheckedCount(string path, SortedDictionary<string, Tensor> tensors)
    {
        if (tensors.Count == 0)
            throw new LoraOpsException(SampleProblems.None(path));

        var problems = new List<Problem>();
        problems.AddRange(tensors.Values.Where(tensor => tensor.Shape.Rank == 0)
            .Select(tensor => SampleProblems.NoAxis(path, tensor.Name)));
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var first = tensors.Values.First();
        var count = first.Shape[0];
        problems.AddRange(tensors.Values.Where(tensor => tensor.Shape[0] != count)
            .Select(tensor => SampleProblems.Differ(path, tensor.Name, tensor.Shape[0], first.Name, count)));
        if (count == 0)
            problems.Add(SampleProblems.Empty(path));

        if (count > int.MaxValue)
            problems.Add(SampleProblems.TooMany(path, count));

        return problems.Count == 0 ? (int)count : throw new LoraOpsException(problems);
    }
}
