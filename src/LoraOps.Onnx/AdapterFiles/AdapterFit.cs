using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// An adapter against a model. ONNX Runtime itself looks at names and types when it runs, never at the pairing; a missing factor or another
/// rank fails inside of a kernel there, and a lost pair goes unnoticed.
/// </summary>
public static class AdapterFit
{
    private const int MostProblems = 16;
    private const int BlockElements = 1 << 14;

    /// <summary>Everything that keeps the adapter from being used with the model, at most 16 problems; none if it fits.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">What the adapter may be without.</param>
    public static IReadOnlyList<Problem> Check(OnnxAdapter adapter, string path, AdaptableModel model, AdapterFitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(model);
        options ??= new AdapterFitOptions();
        return [.. Pairing(adapter, path, model, options)
            .Concat(Inputs(adapter, path, model))
            .Concat(Factors(adapter, path, model))
            .Concat(options.ChecksValues ? Values(adapter, path) : [])
            .Take(MostProblems)];
    }

    /// <summary>Refuses an adapter that does not fit.</summary>
    /// <exception cref="LoraOpsException">It does not, for every reason that <see cref="Check"/> finds.</exception>
    public static void Demand(OnnxAdapter adapter, string path, AdaptableModel model, AdapterFitOptions? options = null)
    {
        if (Check(adapter, path, model, options) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);
    }

    private static IEnumerable<Problem> Pairing(OnnxAdapter adapter, string path, AdaptableModel model, AdapterFitOptions options)
    {
        if (model.Metadata is not { } metadata || (adapter.ModelVersion == 0 && options.AllowsForeign))
            yield break;

        if (ModelDigest.TryPairing(metadata.BaseDigest) is not { } expected)
            yield return AdapterFitProblems.ModelUnknown(path, model.Path);
        else if (expected != adapter.ModelVersion)
            yield return AdapterFitProblems.OfOtherModel(path, adapter.ModelVersion, model.Path, expected);
    }

    private static IEnumerable<Problem> Inputs(OnnxAdapter adapter, string path, AdaptableModel model)
    {
        var inputs = model.Inputs.ToDictionary(input => input.Name, StringComparer.Ordinal);
        if (OtherDialect(adapter, model, inputs) is var (found, expected))
            return [AdapterFitProblems.DialectDiffers(path, found.Name, model.Path, expected.Name)];

        return adapter.Parameters.Select(parameter => !inputs.TryGetValue(parameter.Name, out var input)
                ? AdapterFitProblems.InputUnknown(path, parameter.Name, model.Path, NearMisses.Phrase(parameter.Name, inputs.Keys))
                : Input(parameter, path, model, input))
            .OfType<Problem>();
    }

    private static Problem? Input(Tensor parameter, string path, AdaptableModel model, OverridableInput input)
    {
        var (found, expected) = (Words(parameter.Type, parameter.Shape.ToString()), Words(input.Type, input.Shape));
        return input.Type == parameter.Type && input.Takes(parameter.Shape)
            ? null
            : AdapterFitProblems.InputDiffers(path, parameter.Name, found, model.Path, expected);
    }

    // All names of another dialect: one problem says more than one for each name.
    private static (NameDialect Found, NameDialect Expected)? OtherDialect(
        OnnxAdapter adapter, AdaptableModel model, Dictionary<string, OverridableInput> inputs)
    {
        if (adapter.Parameters.Count == 0 || adapter.Parameters.Any(parameter => inputs.ContainsKey(parameter.Name)))
            return null;

        var expected = NameDialects.Find(model.Metadata?.Dialect ?? "") ?? Dialect(inputs.Keys);
        var found = Dialect(adapter.Parameters.Select(parameter => parameter.Name));
        return expected is not null && found is not null && expected != found ? (found, expected) : null;
    }

    private static NameDialect? Dialect(IEnumerable<string> names) =>
        NameDialects.All.FirstOrDefault(dialect => names.All(name => dialect.Parse(name) is not null));

    private static IEnumerable<Problem> Factors(OnnxAdapter adapter, string path, AdaptableModel model)
    {
        var inputs = model.Inputs.ToDictionary(input => input.Name, StringComparer.Ordinal);
        var parameters = adapter.Parameters.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        foreach (var mine in adapter.Parameters)
        {
            // Of a pair that is there, B alone speaks.
            if (Partner(mine.Name) is not var (name, isA) || !inputs.ContainsKey(name) || !inputs.TryGetValue(mine.Name, out var input))
                continue;

            if (!parameters.TryGetValue(name, out var other))
                yield return AdapterFitProblems.FactorMissing(path, mine.Name, name);
            else if (!isA && !RanksAgree((other, inputs[name]), (mine, input)))
                yield return AdapterFitProblems.RanksDiffer(path, name, other.Shape.ToString(), mine.Name, mine.Shape.ToString());
        }
    }

    private static (string Name, bool IsA)? Partner(string name)
    {
        foreach (var dialect in NameDialects.All)
        {
            if (dialect.Parse(name) is { Part: "lora_A" or "lora_B" or "lora_embedding_A" or "lora_embedding_B" } meaning)
                return (Other(dialect, meaning), meaning.Part[^1] == 'A');
        }

        return null;
    }

    private static string Other(NameDialect dialect, (ModuleName Module, string Part) meaning) =>
        dialect.InputName(meaning.Module, meaning.Part[..^1] + (meaning.Part[^1] == 'A' ? 'B' : 'A'));

    // A [in, r] and B [r, out]; of a convolution A [r, in, k…] and B [out, r, 1…], where groups may divide B's.
    private static bool RanksAgree((Tensor Tensor, OverridableInput Input) a, (Tensor Tensor, OverridableInput Input) b)
    {
        if (a.Tensor.Shape.Rank != b.Tensor.Shape.Rank || a.Tensor.Shape.Rank < 2)
            return true;

        var (left, right) = a.Tensor.Shape.Rank == 2 ? (1, 0) : (0, 1);
        var (rank, other) = (a.Tensor.Shape[left], b.Tensor.Shape[right]);
        return rank == other || (a.Tensor.Shape.Rank > 2 && other > 0 && rank % other == 0 && !IsOneSymbol(a.Input, left, b.Input, right));
    }

    private static bool IsOneSymbol(OverridableInput a, int left, OverridableInput b, int right) => a.Dims is { } mine && b.Dims is { } theirs
        && mine.Count > left && theirs.Count > right && mine[left].Symbol.Length > 0 && mine[left].Symbol == theirs[right].Symbol;

    private static IEnumerable<Problem> Values(OnnxAdapter adapter, string path)
    {
        var block = new float[BlockElements];
        return adapter.Parameters.Where(parameter => parameter.Type.IsFloat() && !IsFinite(parameter, block))
            .Select(parameter => AdapterFitProblems.NotFinite(path, parameter.Name));
    }

    private static bool IsFinite(Tensor parameter, float[] block)
    {
        for (var at = 0L; at < parameter.Shape.ElementCount; at += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, parameter.Shape.ElementCount - at));
            parameter.ReadFloats(at, part);
            foreach (var value in part)
            {
                if (!float.IsFinite(value))
                    return false;
            }
        }

        return true;
    }

    private static string Words(ElementType? type, string shape) => $"{type?.Name() ?? "another type"} {shape}";
}
