using System.Globalization;
using LoraOps.Cli.Output;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in an ONNX model.</summary>
internal static class OnnxSheet
{
    private static readonly string[] Weighted = ["MatMul", "Gemm", "Conv", "ConvTranspose"];

    /// <summary>Reads and describes a model.</summary>
    public static Sheet Of(string path)
    {
        var model = OnnxModel.Load(path);
        var nodes = model.AllNodes().ToArray();
        var initializers = model.Graph.AllGraphs().SelectMany(graph => graph.Initializer).ToArray();
        var outside = model.AllTensors().Where(ExternalData.IsExternal).ToArray();
        var form = FormMetadata.Read(model);
        return new Sheet()
            .Add("kind", "ONNX model")
            .Add("path", path)
            .Add("form", form?.Form, detail: form is null)
            .Add("base digest", form is null ? Cell.None : Cell.Digest(form.BaseDigest), detail: form is null)
            .Add("pairing", Pairing(form), detail: form is null)
            .Add("dialect", form is { Dialect.Length: > 0 } ? form.Dialect : Cell.None, detail: form is null or { Dialect.Length: 0 })
            .Add("adapters", Cell.List(form?.Adapters ?? []), detail: form is null or { Adapters.Count: 0 })
            .Add("ir version", model.Proto.IrVersion)
            .Add("opsets", Cell.List(model.Proto.OpsetImport.Select(Opset)))
            .Add("producer", $"{model.Proto.ProducerName} {model.Proto.ProducerVersion}".Trim())
            .Add("bytes", Cell.Bytes(new FileInfo(path).Length))
            .Add("initializer count", initializers.Length)
            .Add("initializer bytes", Cell.Bytes(initializers.Sum(tensor => model.Read(tensor).ByteLength)))
            .Add("external files", Cell.List(outside.Select(tensor => Path.GetFileName(ExternalData.Locate(tensor, path).File)).Distinct()))
            .Add("node count", nodes.Length)
            .Add("quantized nodes", QuantizedNodes(model.Graph))
            .AddGrid("inputs", ["name", "type", "shape"], Inputs(model.Graph).Select(Port))
            .AddGrid("overridable inputs", ["name", "type", "shape", "default"], OverridableInputs.Of(model).Select(Row))
            .AddGrid("outputs", ["name", "type", "shape"], model.Graph.Output.Select(Port))
            .AddGrid("nodes", ["operator", "count"], nodes.GroupBy(Operator)
                .OrderByDescending(group => group.Count())
                .ThenBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new Cell[] { group.Key, group.Count() }))
            .AddGrid("initializers", ["name", "type", "shape", "bytes"], initializers.Select(tensor => Row(model.Read(tensor))), detail: true);
    }

    private static Cell[] Row(Tensor tensor) =>
        [tensor.Name, tensor.Type.Name(), tensor.Shape.ToString(), Cell.Bytes(tensor.ByteLength)];

    private static Cell[] Row(OverridableInput input) =>
        [input.Name, input.Type?.Name() ?? "other", input.Shape, $"[{string.Join(", ", input.Default)}]"];

    // The number that its adapters carry as model_version.
    private static Cell Pairing(FormMetadata? form) =>
        form is { Form: InputsForm.Name } && ModelDigest.TryPairing(form.BaseDigest) is { } number ? number : Cell.None;

    private static string Opset(OperatorSetIdProto opset) => string.Create(
        CultureInfo.InvariantCulture, $"{(opset.Domain.Length == 0 ? "ai.onnx" : opset.Domain)} {opset.Version}");

    private static string Operator(NodeProto node) =>
        node.Domain is "" or "ai.onnx" ? node.OpType : $"{node.Domain}.{node.OpType}";

    // Before IR 4 a graph lists its initializers among its inputs.
    private static IEnumerable<ValueInfoProto> Inputs(GraphProto graph)
    {
        var stored = graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        return graph.Input.Where(input => !stored.Contains(input.Name));
    }

    private static Cell[] Port(ValueInfoProto port)
    {
        var type = port.Type?.TensorType;
        if (type is null)
            return [port.Name, "no tensor", Cell.None];

        var element = OnnxTensor.TypeOf(type.ElemType)?.Name() ?? "other";
        var dims = type.Shape?.Dim.Select(dim => dim.HasDimValue
            ? dim.DimValue.ToString(CultureInfo.InvariantCulture)
            : dim.DimParam.Length > 0 ? dim.DimParam : "?");
        return [port.Name, element, dims is null ? Cell.None : $"[{string.Join(", ", dims)}]"];
    }

    // A node with weights runs in integers if its data and its weight come out of DequantizeLinear.
    private static int QuantizedNodes(GraphProto graph)
    {
        var dequantized = graph.Node.Where(node => node.OpType == "DequantizeLinear").SelectMany(node => node.Output)
            .ToHashSet(StringComparer.Ordinal);
        return graph.Node.Count(node => Weighted.Contains(node.OpType) && node.Input.Take(2).All(dequantized.Contains));
    }
}
