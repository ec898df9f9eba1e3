using System.Collections.Frozen;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Readers.Quantised;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>A base checkpoint and its config: finds the tensor that a module's parameter is stored as.</summary>
internal sealed class SourceModel : IDisposable
{
    private const int MostNearMisses = 5;
    private const int MostRoots = 16;
    private const string Weight = ".weight";

    private static readonly FrozenSet<string> EmbeddingNames = ((string[])
        ["embed_tokens", "wte", "shared", "word_embeddings", "embed_in", "tok_embeddings"]).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> HeadNames =
        ((string[])["lm_head", "embed_out"]).ToFrozenSet(StringComparer.Ordinal);

    private readonly FrozenSet<string> _roots;

    private SourceModel(Checkpoint files)
    {
        Config = ModelConfig.Read(files.ConfigPath);
        Weights = new LogicalCheckpoint(files, Config?.Quantisation);
        _roots = Weights.Names.Select(name => name.Split('.')[0]).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>The tensors, quantised ones with their dequantised values.</summary>
    public LogicalCheckpoint Weights { get; }

    /// <summary>The config beside them, or null.</summary>
    public ModelConfig? Config { get; }

    /// <summary>The type of the base's first float tensor: what a tensor that it lacks is stored as.</summary>
    public ElementType WeightType =>
        Weights.Tensors.FirstOrDefault(tensor => tensor.Type.IsFloat())?.Type ?? ElementType.F32;

    /// <summary>Opens a base; a file uses the config.json beside it.</summary>
    /// <exception cref="LoraOpsException">A file is missing or invalid.</exception>
    public static SourceModel Open(string path)
    {
        var files = Checkpoint.Open(path);
        try
        {
            return new SourceModel(files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>True for the names of a language model's head.</summary>
    public static bool IsHead(ModuleName module) => HeadNames.Contains(module.Segments[^1]);

    /// <summary>True for the names of a token embedding.</summary>
    public static bool IsEmbedding(ModuleName module) => EmbeddingNames.Contains(module.Segments[^1]);

    /// <summary>True for the names of a classifier and its parts.</summary>
    public static bool IsClassifier(ModuleName module) => module.Segments.Any(segment => segment is "classifier" or "score");

    /// <summary>True for the name of a head's weight.</summary>
    public static bool IsHeadWeight(string tensor) => ModuleOf(tensor) is { } module && IsHead(module);

    /// <summary>True for the name of a token embedding's weight.</summary>
    public static bool IsEmbeddingWeight(string tensor) => ModuleOf(tensor) is { } module && IsEmbedding(module);

    /// <summary>The tensor that holds a parameter under this or another name of its layer, or null.</summary>
    public Tensor? Find(ModuleName module, string parameter) => ModuleAliases.Moved(module)
        .SelectMany(WithAndWithoutRoot)
        .Select(name => Weights.Find(name.Parameter(parameter)))
        .FirstOrDefault(tensor => tensor is not null) ?? BelowRoot(module, parameter);

    /// <summary>The one token embedding that a missing head is tied to, or null.</summary>
    public Tensor? TiedEmbedding()
    {
        if (Config?.TiesEmbeddings == false)
            return null;

        var found = Weights.Names.Where(IsEmbeddingWeight).Take(2).ToList();
        return found.Count == 1 ? Weights.Find(found[0]) : null;
    }

    /// <summary>What was looked for and not found.</summary>
    public List<UnmatchedParameter> Unmatched { get; } = [];

    /// <summary>Notes that a parameter has no tensor; gives the end of a message: which tensors it may have been.</summary>
    public string Miss(Adapter adapter, string parameter)
    {
        // Near misses are costly, so only the first few have them.
        var nearest = Unmatched.Count < MostNearMisses ? NearMisses.Of(parameter, Weights.Names) : [];
        Unmatched.Add(new UnmatchedParameter(adapter.Name, parameter, nearest));
        return NearMisses.Phrase(nearest);
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Files.Dispose();

    private static ModuleName? ModuleOf(string tensor) =>
        tensor.EndsWith(Weight, StringComparison.Ordinal) ? new ModuleName(tensor[..^Weight.Length]) : null;

    // An adapter trained on the bare model lacks the first segment that the checkpoint of the whole has.
    private Tensor? BelowRoot(ModuleName module, string parameter)
    {
        if (module.Value.Length == 0 || _roots.Count > MostRoots || _roots.Contains(module.Segments[0]))
            return null;

        var found = ModuleAliases.Candidates(module)
            .SelectMany(name => _roots.Select(root => Weights.Find($"{root}.{name.Parameter(parameter)}")))
            .OfType<Tensor>().Distinct().Take(2).ToList();
        return found.Count == 1 ? found[0] : null;
    }

    // A checkpoint saved from the bare model lacks the first segment ("transformer.", "bert.") that adapters have.
    private IEnumerable<ModuleName> WithAndWithoutRoot(ModuleName name)
    {
        yield return name;
        var dot = name.Value.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && !_roots.Contains(name.Value[..dot]))
            yield return new ModuleName(name.Value[(dot + 1)..]);
    }
}
