using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.TorchPickle;
using LoraOps.Tensors;

namespace LoraOps.Readers.Peft;

/// <summary>Reads <c>adapter_model.safetensors</c> or <c>adapter_model.bin</c>: every tensor becomes part of a delta, a replacement or a problem.</summary>
internal sealed class WeightsReader(string file, string adapter, AdapterConfig config, Findings findings)
{
    private const int TokensDepth = -1;
    private readonly SortedDictionary<(ModuleName Module, int Depth), Dictionary<string, Tensor>> _parts = [];
    private readonly SortedDictionary<string, Replacement> _replacements = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _onlyTraining = new(StringComparer.Ordinal);
    private readonly HashSet<ModuleName> _broken = [];
    private readonly Dictionary<string, Tensor> _shared = new(StringComparer.Ordinal);
    private readonly List<(PeftKey Key, Tensor Tensor)> _others = [];
    private readonly AdapterMethod[] _methods = [.. AdapterMethods.Of(config.PeftType)];

    /// <summary>The types of the tensors that were read, each once, in the order of the format.</summary>
    public IReadOnlyList<ElementType> Types { get; private set; } = [];

    /// <summary>The modules and replacements, both in ordinal order of their names.</summary>
    public (IReadOnlyList<AdapterModule> Modules, IReadOnlyList<Replacement> Replacements) Read()
    {
        var all = Tensors(file);
        Types = [.. all.Select(tensor => tensor.Type).Distinct().Order()];
        var name = PeftKey.AdapterOf(all.Select(tensor => tensor.Name)) ?? adapter;
        foreach (var tensor in all)
        {
            if (PeftKey.Parse(tensor.Name, name) is not { } key || IsOnlyForTraining(key))
                continue;

            if (IsSound(tensor, PartOf(key)))
                Sort(key, tensor);
            else
                _broken.Add(key.Module);
        }

        if (_onlyTraining.Count > 0)
            findings.Warnings.Add($"left out what only training uses: {string.Join(", ", _onlyTraining)}");

        // A module that misses a broken tensor is not told too: the tensor's own problem is the cause.
        var modules = _parts.Where(module => !_broken.Contains(module.Key.Module)).SelectMany(module => ReadModule(module.Key, module.Value)).ToList();
        AddReplacements();
        return (modules, [.. _replacements.Values]);
    }

    private List<AdapterModule> ReadModule((ModuleName Name, int Depth) key, Dictionary<string, Tensor> parts)
    {
        var tensors = new ModuleTensors(key.Name, file, parts) { Shared = _shared, Depth = Math.Max(0, key.Depth) };
        var method = Array.Find(_methods, method => method.Claims(tensors, config));
        var strays = parts.Where(part => method?.Parts.Contains(part.Key) != true).ToList();
        foreach (var (part, tensor) in strays)
            findings.Problems.Add(AdapterProblems.TensorUnused(file, tensor.Name, $"'{part}' means nothing beside the others of its module"));

        if (method is null || strays.Count > 0)
            return [];

        foreach (var replacement in method.ReadReplacements(tensors))
            AddReplacement(replacement);

        string[] names = [.. parts.Values.Select(tensor => tensor.Name)];
        return [.. method.Read(tensors, config, findings).Select(delta => new AdapterModule(key.Name, delta, names))];
    }

    private bool IsOnlyForTraining(PeftKey key)
    {
        var isTraining = _methods.SelectMany(method => method.TrainingParts).Any(training =>
            training.Part == key.Part && config.Values.Raw(training.Field) is { } value && !ConfigValues.IsBlank(value));
        if (isTraining)
            _onlyTraining.Add(key.Part!);

        return isTraining;
    }

    /// <summary>The tensors of a file, which outlive its map: each reads its own range.</summary>
    internal static List<Tensor> Tensors(string file)
    {
        if (TorchFile.IsNamed(file))
            return [.. TorchFile.Read(file)];

        // The format has no gaps, so lengths give the places.
        using var weights = SafetensorsFile.Open(file);
        var tensors = new List<Tensor>();
        long start = weights.HeaderBytes().Length;
        foreach (var tensor in weights.Tensors)
        {
            tensors.Add(new FileTensor(tensor.Name, tensor.Type, tensor.Shape, file, start));
            start += tensor.ByteLength;
        }

        return tensors;
    }

    private bool IsSound(Tensor tensor, string? part)
    {
        if (tensor.Shape.ElementCount == 0 && Array.Exists(_methods, method => method.AllowsEmpty))
            return true;

        if (TensorCheck.ProblemOf(file, tensor, Holds(part)) is not { } problem)
            return true;

        findings.Problems.Add(problem);
        return false;
    }

    private static string? PartOf(PeftKey key) => key.Parameter is "" or "weight" ? key.Part : $"{key.Part}.{key.Parameter}";

    private bool Holds(string? part) => part is not null && Array.Exists(_methods, method => method.IndexParts.Contains(part));

    private void Sort(PeftKey key, Tensor tensor)
    {
        if (key.Part is null)
        {
            _others.Add((key, tensor));
            return;
        }

        var part = PartOf(key)!;
        var isShared = Array.Exists(_methods, method => method.SharedParts.Contains(part));
        if (!isShared && !Array.Exists(_methods, method => method.Parts.Contains(part)))
        {
            findings.Problems.Add(AdapterProblems.TensorUnused(file, tensor.Name, $"{config.PeftType} has no part '{part}'"));
            return;
        }

        var parts = isShared ? _shared : PartsOf(key);
        if (!parts.TryAdd(part, tensor) && !(isShared && TensorBytes.Same(parts[part], tensor)))
            findings.Problems.Add(AdapterProblems.TensorTwice(file, tensor.Name, parts[part].Name));
    }

    // Only where raw parameters are adapted do the wrappers of one layer mean different things; a token's rows are apart always.
    private Dictionary<string, Tensor> PartsOf(PeftKey key)
    {
        var depth = key.Part == TokenRowsMethod.Part ? TokensDepth : LoraFields.Has(config, LoraFields.TargetParameters) ? key.Depth : 0;
        return _parts.GetValueOrDefault((key.Module, depth)) ?? (_parts[(key.Module, depth)] = new(StringComparer.Ordinal));
    }

    private void AddReplacements()
    {
        var rules = new ReplacementRules(config, _parts.Keys.Select(key => key.Module).ToHashSet());
        foreach (var (key, tensor) in _others)
        {
            if (rules.WhyNot(key) is { } reason)
                findings.Problems.Add(AdapterProblems.TensorUnused(file, tensor.Name, reason));
            else
                AddReplacement(new Replacement(key.Module, key.Parameter, tensor, rules.IsTrainedBias(key)));
        }
    }

    private void AddReplacement(Replacement replacement)
    {
        if (!_replacements.TryAdd(replacement.FullName, replacement))
            findings.Problems.Add(AdapterProblems.TensorTwice(file, replacement.Value.Name, _replacements[replacement.FullName].Value.Name));
    }
}
