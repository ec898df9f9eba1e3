using System.Runtime.InteropServices;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Runtime.Adapters;
using LoraOps.Tensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>
/// A model whose outputs are known by heart. y = sum(x) + the branches of two modules: an adapter of value v at module p adds
/// v · v · sum(x), so that factors of two versions that met would give a product that no version has.
/// </summary>
internal sealed class TinyCity(TemporaryFolder folder)
{
    public static readonly string Digest = new('a', 64);

    public static int Pairing => ModelDigest.Pairing(Digest);

    public string Inputs(bool isMarked = true, string form = "inputs", int ranks = 2)
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3)
            .Input("p.lora_A.weight", DataType.Float, 3, -1).Input("p.lora_B.weight", DataType.Float, -1, 1)
            .Input("q.lora_A.weight", DataType.Float, 3, -ranks).Input("q.lora_B.weight", DataType.Float, -ranks, 1)
            .Floats("p.lora_A.weight", [3, 0]).Floats("p.lora_B.weight", [0, 1])
            .Floats("q.lora_A.weight", [3, 0]).Floats("q.lora_B.weight", [0, 1])
            .Floats("w", [3, 1], 1, 1, 1)
            .Node("MatMul", "x w", "base")
            .Node("MatMul", "x p.lora_A.weight", "pa").Node("MatMul", "pa p.lora_B.weight", "pb")
            .Node("MatMul", "x q.lora_A.weight", "qa").Node("MatMul", "qa q.lora_B.weight", "qb")
            .Node("Sum", "base pb qb", "y").Output("y", DataType.Float, 0, 1).Build(folder["inputs.onnx"]);
        if (isMarked)
            new FormMetadata { Form = form, BaseDigest = Digest, Dialect = "canonical" }.Write(model);

        model.Save(folder["inputs.onnx"]);
        return folder["inputs.onnx"];
    }

    /// <summary>Adapters 1, 2, … add 10, 20, … to y.</summary>
    public string Switchable(bool isBlend, params string[] names)
    {
        var model = new SmallModel().Input("x", DataType.Float, 0, 3).Floats("w", [3, 1], 1, 1, 1).Node("MatMul", "x w", "base");
        if (isBlend)
        {
            model.Input("adapter_weights", DataType.Float, 0, names.Length)
                .Floats("t", [names.Length, 1], [.. names.Select((_, at) => 10f * (at + 1))]).Node("MatMul", "adapter_weights t", "add");
        }
        else
        {
            model.Input("adapter", DataType.Int64, 0)
                .Floats("t", [names.Length + 1, 1], [.. Enumerable.Range(0, names.Length + 1).Select(at => 10f * at)])
                .Node("Gather", "t adapter", "add");
        }

        var built = model.Node("Add", "base add", "y").Output("y", DataType.Float, 0, 1).Build(folder["switchable.onnx"]);
        new FormMetadata { Form = "switchable", BaseDigest = Digest, Adapters = names }.Write(built);
        built.Save(folder["switchable.onnx"]);
        return folder["switchable.onnx"];
    }

    /// <summary>An adapter of a value; the number of equal ranks makes the file as large as one likes.</summary>
    public string Adapter(string name, float value, string module = "p", int? pairing = null, int ranks = 1)
    {
        var path = folder[name + ".onnx_adapter"];
        Write(path, [
            Factor($"{module}.lora_A.weight", [3, ranks], Enumerable.Repeat(value, 3 * ranks)),
            Factor($"{module}.lora_B.weight", [ranks, 1], Enumerable.Repeat(value / ranks, ranks)),
        ], pairing);
        return path;
    }

    public static void Write(string path, IReadOnlyList<Tensor> parameters, int? pairing = null)
    {
        // As a deployment should: a new file is renamed over the old one.
        var part = path + ".part";
        OnnxAdapterFile.Write(part, new OnnxAdapter(parameters) { AdapterVersion = 1, ModelVersion = pairing ?? Pairing });
        File.Move(part, path, overwrite: true);
    }

    public static Tensor Factor(string name, long[] dims, IEnumerable<float> values) =>
        new BufferTensor(name, ElementType.F32, new TensorShape(dims), MemoryMarshal.AsBytes(values.ToArray().AsSpan()).ToArray());

    public static Dictionary<string, OrtValue> Ones(int batch = 1) => new()
    {
        ["x"] = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1f, 3 * batch).ToArray(), [batch, 3]),
    };

    public static float[] Run(AdapterManager manager, string id, int batch = 1)
    {
        using var outputs = manager.Run(id, Ones(batch));
        return outputs.Floats("y");
    }

    /// <summary>What y is for ones with an adapter of a value.</summary>
    public static float Expected(float value) => 3 + (3 * value * value);
}
