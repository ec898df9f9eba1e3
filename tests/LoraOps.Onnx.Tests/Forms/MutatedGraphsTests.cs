using Google.Protobuf;
using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.Forms;

/// <summary>Graphs that are valid protobuf and nonsense all the same are converted or refused: never another exception.</summary>
public class MutatedGraphsTests
{
    private const int Rounds = 50;
    private static readonly string[] _fused = ["FusedMatMul", "FusedGemm", "Attention", "MatMulNBits", "FusedConv"];

    [Theory]
    [InlineData("neck-cnn", "torchscript", "shanghai")]
    [InlineData("neck-cnn", "dynamo", "guangzhou")]
    [InlineData("bev-vit", "torchscript", "guangzhou-patterns")]
    public void Converts_or_refuses(string folder, string exporter, string adapter)
    {
        var original = OnnxModel.Load(Fixtures.Path(folder, "onnx", exporter, "model.onnx"));
        var adapters = new[] { new WeightedAdapter(PeftReader.Read(Fixtures.Path(folder, "adapters", adapter))) };
        using var checkpoint = Checkpoint.Open(Fixtures.Path(folder, "hf"));
        using var files = new TemporaryFolder();
        for (var seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            var model = original.Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
                Mutate(model.Graph, random);

            File.WriteAllBytes(files["model.onnx"], model.Proto.ToByteArray());
            var options = new MappingOptions { Base = random.Next(2) == 0 ? checkpoint : null };
            Try(() => MergedForm.Convert(OnnxModel.Load(files["model.onnx"]), adapters, options));
            Try(() => InputsForm.Convert(OnnxModel.Load(files["model.onnx"]), adapters, options));
            Try(() => SwitchableForm.Convert(OnnxModel.Load(files["model.onnx"]), adapters, options));
        }
    }

    private static void Try(Action convert)
    {
        try
        {
            convert();
        }
        catch (LoraOpsException)
        {
            // The one exception that bad input may raise.
        }
    }

    private static void Mutate(GraphProto graph, Random random)
    {
        var node = graph.Node[random.Next(graph.Node.Count)];
        var other = graph.Node[random.Next(graph.Node.Count)];
        var tensor = graph.Initializer[random.Next(graph.Initializer.Count)];
        switch (random.Next(12))
        {
            case 0: node.Input.Clear(); break;
            case 1: node.Output.Clear(); break;
            case 2 when node.Input.Count > 0: node.Input[random.Next(node.Input.Count)] = tensor.Name; break;
            case 3 when node.Input.Count > 0: node.Input.RemoveAt(random.Next(node.Input.Count)); break;
            case 4: node.OpType = other.OpType; break;
            case 5: node.Attribute.Clear(); break;
            case 6: tensor.Name = graph.Initializer[random.Next(graph.Initializer.Count)].Name; break;
            case 7: node.Name = other.Name; break;
            case 8: graph.Node.Remove(node); break;
            case 9 when node.Input.Count > 0: node.Input.Add(node.Input[0]); break;
            case 10: (node.OpType, node.Domain) = (_fused[random.Next(_fused.Length)], "com.microsoft"); break;
            default: graph.Initializer.Remove(tensor); break;
        }
    }
}
