using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>
/// Samples for a model: one array for each of its inputs (and labels or outputs), the first axis counting the samples.
/// Only the elements that are asked for are read, and no file stays open. Samples may differ in their shapes (<see cref="IsRagged"/>).
/// </summary>
public sealed class SampleSet
{
    private readonly SortedDictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private readonly IReadOnlyList<SampleSet>? _groups;

    private SampleSet(string path, IEnumerable<Tensor> tensors, IReadOnlyList<SampleSet>? groups = null)
    {
        _groups = groups;
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

    /// <summary>True if samples differ in their shapes: arrays then show the smaller ones filled up with zeros, <see cref="Groups"/> as they are.</summary>
    public bool IsRagged => _groups is not null;

    /// <summary>The samples in order, in sets whose arrays have one shape each; only this set if all have.</summary>
    public IReadOnlyList<SampleSet> Groups => _groups ?? [this];

    /// <summary>
    /// Opens a .safetensors file, or a folder with one NAME.npy for each array; or, for samples of different shapes, a folder with a folder
    /// NAME of .npy files for an array, or a folder of .safetensors files, whose samples follow each other in the order of the files' names.
    /// </summary>
    /// <exception cref="LoraOpsException">A file is invalid, or the arrays disagree on the number of samples.</exception>
    public static SampleSet Open(string fileOrFolder)
    {
        if (Directory.Exists(fileOrFolder))
            return Ragged(fileOrFolder, SampleFolder.Open(fileOrFolder));

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

    private static SampleSet Ragged(string path, IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parts)> arrays)
    {
        var problems = arrays.Where(array => !RaggedSamples.CanFollow(array.Parts) && array.Parts.Count > 1)
            .Select(array => SampleProblems.Unlike(path, array.Name, "its first file")).ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var whole = arrays.Select(array => RaggedSamples.Whole(array.Name, array.Parts)).ToList();
        var set = new SampleSet(path, whole);
        var pieces = RaggedSamples.Pieces(arrays);
        return pieces.Count == 1 ? set : new SampleSet(path, whole, [.. pieces.Select(piece => new SampleSet(path, piece))]);
    }

    internal static List<Tensor> OpenFile(string path)
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
