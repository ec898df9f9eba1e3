using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Peft;

/// <summary>
/// Reads a PEFT adapter folder (<c>save_pretrained</c> of huggingface/peft up to 0.20): every tensor is used or named in a problem.
/// </summary>
public static class PeftReader
{
    /// <summary>True if the path is, or holds, one safetensors file whose tensors are named as kohya, LyCORIS or diffusers do.</summary>
    /// <param name="path">A file or folder.</param>
    /// <exception cref="LoraOpsException">The file is no valid safetensors file.</exception>
    public static bool IsBare(string path)
    {
        // Several files are the shards of a checkpoint.
        if ((Directory.Exists(path) && Directory.EnumerateFiles(path, "*.safetensors").Skip(1).Any()) || BareFile.Find(path) is not { } file)
            return false;

        using var weights = SafetensorsFile.Open(file);
        return weights.Tensors.Count > 0 && weights.Tensors.All(tensor => BareKey.Parse(tensor.Name) is not null);
    }

    /// <summary>Reads and checks one adapter. Tensors stay in the file and are read when asked for.</summary>
    /// <param name="folder">
    /// The folder that holds adapter_config.json, itself or in exactly one sub-folder; or one safetensors file of kohya, LyCORIS or
    /// diffusers, or the folder that holds it.
    /// </param>
    /// <param name="name">What to call it; its folder's name if null.</param>
    /// <param name="residualBase">True if the base is the one that PiSSA, OLoRA … left: the adapter is then plain LoRA on it.</param>
    /// <exception cref="LoraOpsException">Everything that is wrong with the adapter.</exception>
    public static Adapter Read(string folder, string? name = null, bool residualBase = false)
    {
        if (BareFile.Find(folder) is { } file)
            return BareReader.Read(file, name);

        var files = PeftFolder.Find(BareFile.FolderOf(folder));
        var (problems, warnings) = (new List<Problem>(), new List<string>());
        var config = ConfigReader.Read(files.Config, residualBase, problems);
        foreach (var method in AdapterMethods.Of(config.PeftType))
            method.Check(config, new Findings(problems, warnings));

        if (files.WeightsProblem() is { } missing)
            throw new LoraOpsException([.. problems, missing]);

        var weights = new WeightsReader(files.Weights, files.Name, config, new Findings(problems, warnings));
        var (modules, replacements) = ReadWeights(weights, problems);
        if (problems.Count == 0 && modules.Count == 0 && replacements.Count == 0)
            problems.Add(AdapterProblems.Empty(files.Weights));

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        if (files.HasUnreadPickle)
            warnings.Add("adapter_model.bin lies beside adapter_model.safetensors and is not read; remove the one that is out of date");

        AddWarnings(config, modules, replacements, warnings);
        return new Adapter
        {
            Name = name ?? files.Name,
            Folder = files.Path,
            Config = config,
            Modules = modules,
            Replacements = replacements,
            Warnings = warnings,
            Types = weights.Types,
            Bytes = new FileInfo(files.Weights).Length,
            Digest = files.Digest(),
        };
    }

    private static (IReadOnlyList<AdapterModule> Modules, IReadOnlyList<Replacement> Replacements) ReadWeights(
        WeightsReader weights, List<Problem> problems)
    {
        try
        {
            return weights.Read();
        }
        catch (LoraOpsException error)
        {
            throw new LoraOpsException([.. problems, .. error.Problems]);
        }
    }

    private static void AddWarnings(
        AdapterConfig config, IReadOnlyList<AdapterModule> modules, IReadOnlyList<Replacement> replacements, List<string> warnings)
    {
        if (config.TrainsOwnBias && !replacements.Any(replacement => replacement.IsBias))
            warnings.Add($"the config says bias '{config.Bias}' but the file holds no bias: PEFT 0.7 to 0.20.0 dropped them when saving");

        if (modules.Count > 0 && modules.All(module => module.Delta is LoraDelta lora && IsZero(lora.B)))
            warnings.Add("all lora_B factors are zero: the adapter changes nothing");
    }

    private static bool IsZero(Tensor tensor) => tensor.ToFloats().AsSpan().IndexOfAnyExcept(0f) < 0;
}
