using System.Runtime.InteropServices;
using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Transforms;

/// <summary>A case of normalizing, resizing or extracting: from <c>../shared</c> where it is there, else from the fixtures.</summary>
internal sealed record ReshapeGolden(string Kind, string Name)
{
    public string Folder =>
        new[] { Fixtures.Path("mix", Kind, Name), Path.Combine(Fixtures.Shared ?? "", "goldens", "mix", Kind, Name) }.First(Directory.Exists);

    public JsonElement Case => Json("case.json");

    public JsonElement Recipe => Json("recipe.json");

    public string this[string file] => Path.Combine(Folder, file);

    public Adapter Adapter => PeftReader.Read(this["adapters/a"]);

    /// <summary>The names of the cases of a kind.</summary>
    public static IEnumerable<string> Names(string kind) =>
        from root in new[] { Fixtures.Path("mix", kind), Path.Combine(Fixtures.Shared ?? "", "goldens", "mix", kind) }
        where Directory.Exists(root)
        from folder in Directory.EnumerateDirectories(root)
        select Path.GetFileName(folder) into name
        group name by name into same
        orderby same.Key
        select same.Key;

    /// <summary>Every truth: the dense change of a parameter as the base stores it.</summary>
    public IReadOnlyDictionary<string, double[]> Truths()
    {
        using var file = SafetensorsFile.Open(this["truth.safetensors"]);
        return file.Tensors.ToDictionary(tensor => tensor.Name, tensor => MemoryMarshal.Cast<byte, double>(tensor.ToBytes()).ToArray());
    }

    /// <summary>The change that an adapter makes to a parameter as the base stores it.</summary>
    /// <param name="adapter">The adapter, of linear layers, convolutions and embeddings.</param>
    /// <param name="parameter">The parameter's full name.</param>
    /// <param name="isTransposed">The base stores [in, out].</param>
    public double[] Change(Adapter adapter, string parameter, bool isTransposed = false)
    {
        var module = adapter.Modules.Single(module => module.Name.Parameter(module.Delta.Parameter) == parameter);
        if (module.Delta is BiasDelta bias)
            return [.. bias.Bias.ToFloats().Select(value => value * bias.Scale)];

        var matrix = DeltaMatrices.Of(module.Delta, module.Delta is DoraDelta ? Weight(parameter, module.Delta) : null);
        return module.Delta.Layer == LayerKind.Embedding || isTransposed ? Turned(matrix) : matrix.ToArray();
    }

    /// <summary>The relative Frobenius error; the absolute one of zeros.</summary>
    public static double Error(double[] found, double[] truth)
    {
        Assert.Equal(truth.Length, found.Length);
        var norm = Math.Sqrt(truth.Sum(value => value * value));
        return Math.Sqrt(found.Zip(truth, (one, other) => (one - other) * (one - other)).Sum()) / (norm > 0 ? norm : 1);
    }

    private static double[] Turned(DeltaMatrix matrix)
    {
        var values = matrix.ToArray();
        return [.. Enumerable.Range(0, values.Length).Select(at => values[((at % matrix.Rows) * matrix.Columns) + (at / matrix.Rows)])];
    }

    private TargetWeight Weight(string parameter, Delta delta)
    {
        using var file = SafetensorsFile.Open(this["base.safetensors"]);
        return TargetWeight.Of(delta.WeightShape!, file.Find(parameter)!.ToFloats());
    }

    private JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllBytes(this[file])).RootElement;
}
