using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>Takes the tensors of one module by part, and tells what is missing or has another shape than its method allows.</summary>
/// <param name="tensors">The tensors.</param>
/// <param name="findings">Receives what is wrong or odd.</param>
internal sealed class PartReader(ModuleTensors tensors, Findings findings)
{
    /// <summary>A tensor of the module, or null.</summary>
    public Tensor? Find(string part) => tensors.Parts.GetValueOrDefault(part);

    /// <summary>A tensor of the module or of the whole file; a problem and null if there is none.</summary>
    public Tensor? Require(string part)
    {
        if ((Find(part) ?? tensors.Shared.GetValueOrDefault(part)) is { } found)
            return found;

        var present = tensors.Parts.Values.Select(tensor => tensor.Name).Order(StringComparer.Ordinal).First();
        findings.Problems.Add(AdapterProblems.PartnerMissing(tensors.File, present, tensors.Module.Parameter(part)));
        return null;
    }

    /// <summary>A tensor of given dimensions; a problem and null if it is missing or has others.</summary>
    /// <param name="part">The part.</param>
    /// <param name="form">What is allowed, for messages: <c>[out, r]</c>.</param>
    /// <param name="dims">Its dimensions; -1 stands for any.</param>
    public Tensor? Shaped(string part, string form, params ReadOnlySpan<long> dims)
    {
        if (Require(part) is not { } tensor)
            return null;

        var fits = tensor.Shape.Rank == dims.Length;
        for (var index = 0; fits && index < dims.Length; index++)
            fits = dims[index] < 0 || dims[index] == tensor.Shape[index];

        return Check(fits, tensor, Said(form, dims)) ? tensor : null;
    }

    /// <summary>Adds the problem that a tensor's shape is not allowed, unless it fits; gives whether it does.</summary>
    public bool Check(bool fits, Tensor tensor, string allowed) => fits || Refuse(tensor, $"has shape {tensor.Shape}; {allowed} is allowed");

    /// <summary>Checks that a weight which the tensors tell is one that can be.</summary>
    public bool IsSized(Tensor tensor, Int128 rows, Int128 columns) => Check(
        rows <= int.MaxValue && columns <= int.MaxValue, tensor, $"with its partners a weight of at most {int.MaxValue} rows and columns");

    /// <summary>Adds a problem of one tensor; gives false.</summary>
    public bool Refuse(Tensor tensor, string reason)
    {
        findings.Problems.Add(AdapterProblems.TensorInvalid(tensors.File, tensor.Name, reason));
        return false;
    }

    /// <summary>Adds a problem for each of these parts that is there.</summary>
    public bool None(string reason, params IEnumerable<string> parts)
    {
        var strays = parts.Select(Find).OfType<Tensor>().ToList();
        foreach (var stray in strays)
            findings.Problems.Add(AdapterProblems.TensorUnused(tensors.File, stray.Name, reason));

        return strays.Count == 0;
    }

    /// <summary>Warns if the config says another rank than the tensors have; the tensors count.</summary>
    public void CompareRank(AdapterConfig config, long rank)
    {
        var said = ModulePattern.Find(config.RankPattern, tensors.Module) ?? config.Rank;
        if (config.Values.Raw("r") is not null && said != rank)
            findings.Warnings.Add($"module '{tensors.Module}': the tensors have rank {rank}, the config says {said}; the tensors count");
    }

    /// <summary>Warns if the config says another number of spectral entries than there are; those that are there count.</summary>
    public void CompareFrequencies(AdapterConfig config, Tensor spectrum)
    {
        var found = spectrum.Shape.ElementCount;
        var said = ModulePattern.Find(config.Values.Counts("n_frequency_pattern"), tensors.Module) ?? config.Values.Number("n_frequency", found);
        if (said != found && !config.Values.Flag("proportional_parameters"))
            findings.Warnings.Add($"module '{tensors.Module}': the spectrum has {found} entries, the config says {said:0}; the spectrum counts");
    }

    /// <summary>alpha / rank, where alpha has a pattern of its own.</summary>
    public double ScaleOf(AdapterConfig config, string field, long rank)
    {
        var alpha = ModulePattern.Find(config.AlphaPattern, tensors.Module) ?? config.Values.Number(field, rank);
        if (alpha == 0)
            findings.Warnings.Add($"module '{tensors.Module}': {field} is 0, so nothing changes");

        return alpha / rank;
    }

    private static string Said(string form, ReadOnlySpan<long> dims)
    {
        var texts = new List<string>();
        var names = form.Trim('[', ']').Split(", ");
        for (var index = 0; index < dims.Length; index++)
            texts.Add(dims[index] < 0 ? names[Math.Min(index, names.Length - 1)] : $"{dims[index]}");

        return $"[{string.Join(", ", texts)}]";
    }
}
