using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>
/// An adapter of one sample must never reach another's: whatever a graph does to its batch, each row is its own adapter's, or the graph is refused.
/// Lengths are equal wherever a mistake could hide behind them.
/// </summary>
public sealed class BatchAxisTests : IDisposable
{
    private const int Size = 4;
    private static readonly string[] _refused =
    [
        "a slice of the samples", "samples in reverse", "a split along the samples", "a computed value of more dimensions",
        "a scalar beside a value of unknown dimensions", "a Gemm of a constant and the samples", "a transposition that forgets them",
        "samples beside themselves", "branches that use one name",
    ];

    private static readonly string[] _told =
    [
        "the whole batch sliced", "the sequence first by name", "branches that agree", "an input without samples first", "a scalar input first",
        "a shared value of more dimensions", "expanded along the second axis",
    ];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Refused() => [.. _refused];

    public static TheoryData<string> Told() => [.. _told];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_moves_the_samples_out_of_sight_is_refused(string name)
    {
        var refusal = Assert.Throws<LoraOpsException>(() => SwitchableForm.Convert(Model(name), Adapters(), new MappingOptions()));
        Assert.All(refusal.Problems, problem => Assert.Equal(ProblemCode.BatchAxisUnknown, problem.Code));
    }

    [Theory]
    [MemberData(nameof(Told))]
    public void What_keeps_them_gives_each_row_its_own_adapter(string name)
    {
        var (model, adapters) = (Model(name), Adapters());
        var axis = name == "the sequence first by name" ? 1 : 0;
        long[] rows = [2, 0, 1, 2];
        foreach (var form in new[] { new FormOptions { Positions = 64, Samples = 64 }, new FormOptions { Positions = 1, Samples = 1 } })
        {
            var together = Run(SwitchableForm.Convert(model, adapters, new MappingOptions(), form).Model, rows);
            for (var row = 0; row < Size; row++)
            {
                var alone = Run(rows[row] == 0 ? model : MergedForm.Convert(model, [adapters[(int)rows[row] - 1]], new MappingOptions()).Model, null);
                Assert.InRange(ReferenceRun.Largest(Row(together, axis, row), Row(alone, axis, row)), 0, 1e-5f);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(8, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(8, true)]
    public void A_number_of_rows_that_is_not_the_batchs_is_refused(int count, bool blends)
    {
        var form = new FormOptions { Blends = blends };
        var converted = SwitchableForm.Convert(Model("the whole batch sliced"), Adapters(), new MappingOptions(), form).Model;
        Assert.Throws<OnnxRuntimeException>(() => Run(converted, new long[count], blends));
    }

    private static float[] Row(float[] values, int axis, int row)
    {
        var sample = values.Length / Size;
        return axis == 0
            ? values[(row * sample)..((row + 1) * sample)]
            : [.. Enumerable.Range(0, Size).SelectMany(at => values[(((at * Size) + row) * sample / Size)..(((at * Size) + row + 1) * sample / Size)])];
    }

    private float[] Run(OnnxModel model, long[]? rows, bool blends = false)
    {
        model.Save(_folder["opened.onnx"]);
        using var session = ReferenceRun.Open(_folder["opened.onnx"]);
        var random = new Random(3);
        var inputs = new Dictionary<string, OrtValue>();
        foreach (var (name, metadata) in session.InputMetadata.Where(input => !input.Key.StartsWith("adapter", StringComparison.Ordinal)))
        {
            long[] dims = [.. metadata.Dimensions.Select(dim => dim < 0 ? (long)Size : dim)];
            var count = dims.Aggregate(1L, (product, dim) => product * dim);
            float[] values = [.. Enumerable.Range(0, (int)count).Select(_ => random.NextSingle() - 0.5f)];
            inputs[name] = metadata.ElementType == typeof(bool)
                ? OrtValue.CreateTensorValueFromMemory(new[] { true }, dims)
                : OrtValue.CreateTensorValueFromMemory(values, dims);
        }

        if (rows is not null && blends)
            inputs["adapter_weights"] = OrtValue.CreateTensorValueFromMemory(new float[rows.Length * 2], [rows.Length, 2]);
        else if (rows is not null)
            inputs["adapter"] = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length]);

        using var options = new RunOptions();
        try
        {
            using var results = session.Run(options, inputs, ["y"]);
            return results[0].GetTensorDataAsSpan<float>().ToArray();
        }
        finally
        {
            foreach (var value in inputs.Values)
                value.Dispose();
        }
    }

    private IReadOnlyList<WeightedAdapter> Adapters() =>
    [
        new(PeftReader.Read(new TinyAdapter().Linear("fc", Size, Size).WriteTo(_folder["one"]))),
        new(PeftReader.Read(new TinyAdapter().Linear("fc", Size, Size, 3).WriteTo(_folder["two"]))),
    ];

    private static OnnxModel Model(string name)
    {
        var rows = () => new SmallModel().Input("x", DataType.Float, 0, Size).Random("w", Size, Size);
        var tokens = () => new SmallModel().Input("x", DataType.Float, 0, Size, Size).Random("w", Size, Size);
        var cut = (SmallModel model, long from, long to, long step) => Layer(model.Longs("from", [1], from).Longs("to", [1], to)
            .Longs("axis", [1], 0).Longs("step", [1], step).Node("Slice", "x from to axis step", "h"));
        return name switch
        {
            "a slice of the samples" => cut(rows(), 1, 3, 1),
            "samples in reverse" => cut(rows(), -1, long.MinValue, -1),
            "the whole batch sliced" => cut(tokens(), 0, long.MaxValue, 1),
            "a split along the samples" => Layer(rows().Longs("parts", [2], 2, 2).Node("Split", "x parts", "h")),
            "a shared value of more dimensions" => Layer(rows().Random("c", Size, 1).Longs("axis", [1], 1).Node("Unsqueeze", "c axis", "d")
                .Node("Add", "x d", "s").Node("Transpose", "s", "h", Perm(1, 0, 2))),
            "a computed value of more dimensions" => Layer(rows().Input("shape", DataType.Int64, 3).Floats("c", [], 1)
                .Node("Expand", "c shape", "d").Node("Add", "x d", "h")),
            "a scalar beside a value of unknown dimensions" => Layer(rows().Input("shape", DataType.Int64, 3).Floats("c", [], 1)
                .Node("ConstantOfShape", "shape", "e").Node("Mul", "e c", "d").Node("Add", "x d", "h")),
            "a Gemm of a constant and the samples" => Layer(rows().Random("c", Size, Size).Node("Gemm", "c x", "h", SmallModel.Int("transB", 1))),
            "a transposition that forgets them" => Layer(tokens().Node("Transpose", "x", "h", Perm(1, 2))),
            "samples beside themselves" => Layer(tokens().Random("p", 2 * Size, Size).Node("Transpose", "x", "t", Perm(1, 0, 2))
                .Node("Concat", "x t", "c", SmallModel.Int("axis", 2)).Node("MatMul", "c p", "h")),
            "branches that use one name" => InBranches(tokens()),
            "branches that agree" => AfterBranches(tokens()),
            "the sequence first by name" => SequenceFirst(),
            "an input without samples first" => Layer(new SmallModel().Input("c", DataType.Float, 1, Size, Size).Input("x", DataType.Float, 0, Size, Size)
                .Random("w", Size, Size).Node("Add", "c x", "h")),
            "a scalar input first" => Layer(new SmallModel().Input("c", DataType.Float).Input("x", DataType.Float, 0, Size, Size)
                .Random("w", Size, Size).Node("Mul", "c x", "h")),
            _ => Layer(rows().Random("c", 1, Size).Longs("zero", [1], 0).Longs("count", [1], Size).Node("Shape", "x", "s").Node("Gather", "s zero", "b")
                .Node("Concat", "count b count", "e", SmallModel.Int("axis", 0)).Node("Expand", "c e", "d").Node("Add", "d x", "a")
                .Node("Transpose", "a", "h", Perm(1, 0, 2))),
        };
    }

    private static OnnxModel Layer(SmallModel model, string weight = "w") =>
        model.Named(weight == "w" ? "/fc/MatMul" : "/other/MatMul", "MatMul", $"h {weight}", "y").Output("y", DataType.Float, 0, Size, Size).Build();

    private static OnnxModel SequenceFirst()
    {
        var model = Layer(new SmallModel().Input("x", DataType.Float, 0, 0, Size).Random("w", Size, Size).Node("Relu", "x", "h"));
        model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimParam = "sequence";
        model.Graph.Output.Clear();
        model.Graph.Output.Add(new ValueInfoProto(model.Graph.Input[0]) { Name = "y" });
        return model;
    }

    private static OnnxModel InBranches(SmallModel model) => Layer(model.Input("c", DataType.Bool).Node("If", "c", "h",
        Branch("then_branch", new NodeProto { OpType = "Transpose", Name = "t", Input = { "x" }, Output = { "v" }, Attribute = { Perm(1, 0, 2) } },
            new NodeProto { OpType = "MatMul", Name = "/fc/MatMul", Input = { "v", "w" }, Output = { "a" } }),
        Branch("else_branch", new NodeProto { OpType = "Identity", Name = "i", Input = { "x" }, Output = { "v" } },
            new NodeProto { OpType = "Relu", Name = "r", Input = { "v" }, Output = { "b" } })).Random("w2", Size, Size), "w2");

    private static OnnxModel AfterBranches(SmallModel model) => Layer(model.Input("c", DataType.Bool).Node("If", "c", "h",
        Branch("then_branch", new NodeProto { OpType = "Relu", Name = "r", Input = { "x" }, Output = { "a" } }),
        Branch("else_branch", new NodeProto { OpType = "Neg", Name = "n", Input = { "x" }, Output = { "b" } })));

    private static AttributeProto Perm(params long[] axes) =>
        new() { Name = "perm", Type = AttributeProto.Types.AttributeType.Ints, Ints = { axes } };

    private static AttributeProto Branch(string name, params NodeProto[] nodes)
    {
        var last = nodes[^1].Output[0];
        var graph = new GraphProto { Name = name, Node = { nodes } };
        var type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float } };
        graph.Output.Add(new ValueInfoProto { Name = last, Type = type });
        return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = graph };
    }
}
