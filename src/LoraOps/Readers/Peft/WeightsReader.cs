using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Peft;

/// <summary>Reads <c>adapter_model.safetensors</c>: every tensor becomes part of a delta, a replacement or a problem.</summary>
internal sealed class WeightsReader(string file, string adapter, AdapterConfig config, Findings findings)
{
    private readonly SortedDictionary<ModuleName, Dictionary<string, Tensor>> _parts = [];
    private readonly Dictionary<string, Tensor> _shared = new(StringComparer.Ordinal);
    private readonly List<(PeftKey Key, Tensor Tensor)> _others = [];
    private readonly AdapterMethod[] _methods = [.. AdapterMethods.Of(config.PeftType)];

    /// <summary>The modules and replacements, both in ordinal order of their names.</summary>
    public (IReadOnlyList<AdapterModule> Modules, IReadOnlyList<Replacement> Replacements) Read()
    {
        foreach (var tensor in Tensors(file))
        {
            if (PeftKey.Parse(tensor.Name, adapter) is { } key && IsSound(tensor, PartOf(key)))
                Sort(key, tensor);
        }

        var modules = new List<AdapterModule>();
        foreach (var (name, parts) in _parts)
        {
            var tensors = new ModuleTensors(name, file, parts) { Shared = _shared };
            var method = _methods.First(method => method.Claims(tensors, config));
            string[] names = [.. parts.Values.Select(tensor => tensor.Name)];
            modules.AddRange(method.Read(tensors, config, findings).Select(delta => new AdapterModule(name, delta, names)));
        }

        return (modules, Replacements());
    }

    /// <summary>The tensors of a file, which outlive its map: each reads its own range.</summary>
    internal static List<Tensor> Tensors(string file)
    {
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

        var parts = isShared ? _shared : _parts.GetValueOrDefault(key.Module) ?? (_parts[key.Module] = new(StringComparer.Ordinal));
        if (!parts.TryAdd(part, tensor) && !(isShared && TensorBytes.Same(parts[part], tensor)))
            findings.Problems.Add(AdapterProblems.TensorTwice(file, tensor.Name, parts[part].Name));
    }

    private List<Replacement> Replacements()
    {
        var rules = new ReplacementRules(config, _parts.Keys.ToHashSet());
        var replacements = new SortedDictionary<string, Replacement>(StringComparer.Ordinal);
        foreach (var (key, tensor) in _others)
        {
            var replacement = new Replacement(key.Module, key.Parameter, tensor, rules.IsTrainedBias(key));
            if (rules.WhyNot(key) is { } reason)
                findings.Problems.Add(AdapterProblems.TensorUnused(file, tensor.Name, reason));
            else if (!replacements.TryAdd(replacement.FullName, replacement))
                findings.Problems.Add(AdapterProblems.TensorTwice(file, tensor.Name, replacements[replacement.FullName].Value.Name));
        }

        return [.. replacements.Values];
    }
}
