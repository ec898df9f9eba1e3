using System.Security.Cryptography;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Peft;

/// <summary>
/// Reads an adapter that is one file without adapter_config.json (kohya, LyCORIS, diffusers): its tensors are named after
/// PEFT's parts and every module gets a config of its own. A module without alpha has the scale 1, as all these tools do.
/// </summary>
internal sealed class BareReader
{
    private static readonly string[] PeftTypes = ["LORA", "LOHA", "LOKR"];
    private readonly SortedDictionary<ModuleName, Dictionary<string, Tensor>> _modules = [];
    private readonly string _file;
    private readonly Findings _findings = new(new List<Problem>(), new List<string>());
    private readonly SortedSet<ElementType> _types = [];
    private int _withoutAlpha;

    private BareReader(string file) => _file = file;

    /// <summary>Reads and checks one file.</summary>
    /// <param name="file">A safetensors file.</param>
    /// <param name="name">What to call the adapter; the file's name if null.</param>
    /// <exception cref="LoraOpsException">Everything that is wrong with it.</exception>
    public static Adapter Read(string file, string? name)
    {
        var reader = new BareReader(file);
        var modules = reader.Modules(out var config);
        if (reader._findings.Problems.Count > 0 || config is null)
            throw new LoraOpsException([.. reader._findings.Problems.DefaultIfEmpty(AdapterProblems.Empty(file))]);

        if (reader._withoutAlpha > 0)
            reader._findings.Warnings.Add($"there is no adapter_config.json, and {reader._withoutAlpha} modules have no alpha: their scale is taken to be 1");

        using var stream = InputFile.Open(file);
        return new Adapter
        {
            Name = name ?? Path.GetFileNameWithoutExtension(file),
            Folder = file,
            IsBare = true,
            Config = config,
            Modules = modules,
            Replacements = [],
            Warnings = [.. reader._findings.Warnings],
            Types = [.. reader._types],
            Bytes = stream.Length,
            Digest = Convert.ToHexStringLower(SHA256.HashData(stream)),
        };
    }

    private List<AdapterModule> Modules(out AdapterConfig? config)
    {
        config = null;
        foreach (var tensor in WeightsReader.Tensors(_file))
        {
            _types.Add(tensor.Type);
            Sort(tensor);
        }

        IReadOnlyDictionary<string, string> metadata;
        using (var weights = SafetensorsFile.Open(_file))
            metadata = weights.Metadata;

        var configs = new BareConfigs(_file, metadata, _findings.Problems);
        var modules = new List<AdapterModule>();
        foreach (var (module, parts) in _modules)
        {
            string[] names = [.. parts.Values.Select(tensor => tensor.Name)];
            if (TypeOf(module, parts) is not { } type || ConfigOf(module, type, parts, configs) is not { } own)
                continue;

            config ??= own;
            parts.Remove(BareKey.Alpha);
            var tensors = new ModuleTensors(module, _file, parts);
            if (AdapterMethods.Of(type).FirstOrDefault(method => method.Claims(tensors, own)) is { } method && parts.Keys.All(method.Parts.Contains))
                modules.AddRange(method.Read(tensors, own, _findings).Select(delta => new AdapterModule(module, delta, names)));
            else
                _findings.Problems.Add(AdapterProblems.TensorUnused(_file, names[0], "it means nothing beside the others of its module"));
        }

        return modules;
    }

    private void Sort(Tensor tensor)
    {
        if (tensor.Name.StartsWith("base_model.", StringComparison.Ordinal))
            throw new LoraOpsException(AdapterProblems.ConfigMissing(_file));

        var key = BareKey.Parse(tensor.Name);
        var problem = key switch
        {
            null => AdapterProblems.TensorUnused(_file, tensor.Name, "it is named in no scheme of PEFT, diffusers, kohya or LyCORIS"),
            _ when BareKey.Refused.TryGetValue(key.Part, out var reason) => AdapterProblems.VariantRefused(
                _file, tensor.Name, reason, "Export plain LoRA, LoHa or LoKr."),
            { Part: BareKey.Alpha } => AlphaProblem(tensor),
            _ => TensorCheck.ProblemOf(_file, tensor),
        };
        if (problem is not null)
        {
            _findings.Problems.Add(problem);
            return;
        }

        var parts = _modules.GetValueOrDefault(key!.Module) ?? (_modules[key.Module] = new(StringComparer.Ordinal));
        if (!parts.TryAdd(key.Part, tensor))
            _findings.Problems.Add(AdapterProblems.TensorTwice(_file, tensor.Name, parts[key.Part].Name));
    }

    private Problem? AlphaProblem(Tensor tensor)
    {
        if (tensor.Shape.ElementCount != 1 || !tensor.Type.IsNumeric())
            return AdapterProblems.TensorInvalid(_file, tensor.Name, $"is {tensor.Type.Name()} {tensor.Shape}; an alpha is one number");

        return double.IsFinite(tensor.ToFloats()[0]) ? null : AdapterProblems.NotFinite(_file, tensor.Name);
    }

    // Composes Tucker's core into the factor, and sees that all parts are of one method.
    private string? TypeOf(ModuleName module, Dictionary<string, Tensor> parts)
    {
        if (!Compose(module, parts))
            return null;

        var type = Array.Find(PeftTypes, type => parts.Keys.Any(part => AdapterMethods.Of(type).Any(method => method.Parts.Contains(part))));
        var unused = parts.Where(part => part.Key != BareKey.Alpha && !Knows(type, part.Key)).ToList();
        foreach (var (part, tensor) in unused)
            _findings.Problems.Add(AdapterProblems.TensorUnused(_file, tensor.Name, $"a file without adapter_config.json has no part '{part}' here"));

        if (type is null && unused.Count == 0)
            _findings.Problems.Add(AdapterProblems.TensorUnused(_file, parts[BareKey.Alpha].Name, "its module has no factors"));

        return unused.Count == 0 ? type : null;
    }

    private static bool Knows(string? type, string part) =>
        type is not null && AdapterMethods.Of(type).Any(method => method.Parts.Contains(part));

    private bool Compose(ModuleName module, Dictionary<string, Tensor> parts)
    {
        if (!parts.Remove(BareKey.Core, out var core))
            return true;

        if (!parts.TryGetValue(LoraMethod.FactorA, out var down))
            _findings.Problems.Add(AdapterProblems.PartnerMissing(_file, core.Name, module.Parameter("lora_down")));
        else if (!TuckerFactor.Fits(core, down))
            _findings.Problems.Add(AdapterProblems.TensorInvalid(
                _file, core.Name, $"has shape {core.Shape}, its partner {down.Shape}; [r, r, kernel…] and [r, in, 1…] are allowed"));
        else
            parts[LoraMethod.FactorA] = new TuckerFactor(core, down);

        return parts.GetValueOrDefault(LoraMethod.FactorA) is TuckerFactor;
    }

    private AdapterConfig? ConfigOf(ModuleName module, string type, Dictionary<string, Tensor> parts, BareConfigs configs)
    {
        double? alpha = parts.TryGetValue(BareKey.Alpha, out var tensor) ? tensor.ToFloats()[0] : null;
        if (type == "LORA" && configs.Find(module) is { } said)
        {
            if (alpha is null)
                return said;

            _findings.Problems.Add(AdapterProblems.TensorUnused(_file, tensor!.Name, "the metadata of the file has an alpha too"));
            return null;
        }

        _withoutAlpha += alpha is null ? 1 : 0;
        var rank = RankOf(type, parts);

        // LyCORIS ignores alpha where both factors of LoKr are full: there is no rank to divide by.
        var isFull = type == "LOKR" && parts.ContainsKey("lokr_w1") && parts.ContainsKey("lokr_w2");
        return configs.Plain(type, rank, isFull ? rank : alpha ?? rank, Flags(parts));
    }

    private static IEnumerable<string> Flags(Dictionary<string, Tensor> parts)
    {
        if (parts.ContainsKey("lora_magnitude_vector"))
            yield return "use_dora";

        if (parts.ContainsKey("lora_B.bias"))
            yield return "lora_bias";
    }

    private static long RankOf(string type, Dictionary<string, Tensor> parts)
    {
        string[] candidates = type switch
        {
            "LORA" => [LoraMethod.FactorA],
            "LOHA" => ["hada_w1_b"],
            _ => ["lokr_w1_b", "lokr_w2_b"],
        };
        var factor = candidates.Select(parts.GetValueOrDefault).FirstOrDefault(tensor => tensor is not null);
        return factor is { Shape.Rank: > 0 } ? Math.Clamp(factor.Shape[0], 1, int.MaxValue) : 1;
    }
}
