using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>Modules that the graph packs into one node, and packed modules that the graph keeps in several: both give the same values.</summary>
public class PackedPlacesTests
{
    private const int In = 3;
    private static readonly Dictionary<string, int> _rows = new() { ["q_proj"] = 4, ["k_proj"] = 2, ["v_proj"] = 2 };
    private static readonly float[] _weights = TinyCheckpoint.Random(1, 8 * In);

    public static TheoryData<string, string> PackedNames() => new()
    {
        { "qkv_proj", "MatMul" }, { "qkv", "Gemm" }, { "c_attn", "MatMul" }, { "Wqkv", "Gemm" }, { "in_proj", "MatMul" },
    };

    [Theory]
    [MemberData(nameof(PackedNames))]
    public void Folds_apart_modules_into_a_packed_node(string packed, string op)
    {
        var adapters = new[] { Adapter("q_proj", 5), Adapter("v_proj", 6) };

        var merged = MergedForm.Convert(Packed(packed, op), adapters, new MappingOptions());

        var split = MergedForm.Convert(Split(), adapters, new MappingOptions()).Model;
        Assert.Equal(Stacked(split), Values(merged.Model, "w", op == "MatMul"));
        Assert.Equal([new RowRange(0, 4), new RowRange(6, 2)], merged.Sites.Select(site => site.Rows!.Value));
    }

    [Theory]
    [InlineData("qkv_proj")]
    [InlineData("c_attn")]
    public void Folds_a_packed_module_into_apart_nodes(string module)
    {
        var delta = TinyCheckpoint.Random(9, 8 * In);
        var adapter = DenseDelta.Adapter("layers.0.attn." + module, LayerKind.Linear, [8, In], delta);

        var merged = MergedForm.Convert(Split(), [adapter], new MappingOptions());

        var packed = MergedForm.Convert(Packed(module, "MatMul"), [adapter], new MappingOptions()).Model;
        Assert.Equal(Values(packed, "w", isTransposed: true), Stacked(merged.Model));
        Assert.Equal(["q", "k", "v"], merged.Sites.Select(site => site.Initializer));
    }

    /// <summary>Any sizes, any types, any orientation, with and without the base: packed, apart, and found by content alone is the same.</summary>
    [Fact]
    public void Packed_and_apart_are_the_same_for_any_sizes()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var law = new PackingLaw(seed);
            using var file = law.Base();
            var expected = law.Merged(law.Split(), new MappingOptions());

            Assert.Equal(expected, law.Merged(law.Packed(isNamed: true), new MappingOptions()));
            Assert.Equal(expected, law.Merged(law.Packed(isNamed: true), new MappingOptions { Base = file.Checkpoint }));
            Assert.Equal(expected, law.Merged(law.Packed(isNamed: false), new MappingOptions { Base = file.Checkpoint }));
        }
    }

    [Theory]
    [InlineData("q_proj", 4)]
    [InlineData("v_proj", 2)]
    [InlineData("qkv_proj", 8)]
    public void Takes_the_norms_of_the_modules_own_rows(string module, int rows)
    {
        using var folder = new TemporaryFolder();
        new TinyAdapter().Linear("layers.0.attn." + module, In, rows, dora: true).WriteTo(folder["dora"]);
        var adapter = new WeightedAdapter(PeftReader.Read(folder["dora"]));

        var packed = MergedForm.Convert(Packed("qkv_proj", "MatMul"), [adapter], new MappingOptions()).Model;

        Assert.Equal(Values(packed, "w", isTransposed: true), Stacked(MergedForm.Convert(Split(), [adapter], new MappingOptions()).Model));
        Assert.NotEqual(_weights, Values(packed, "w", isTransposed: true));
    }

    [Fact]
    public void Leaves_the_bits_of_the_other_rows()
    {
        var model = Packed("qkv_proj", "Gemm", Float("alpha", 3));
        var before = Values(model, "w", isTransposed: false);

        var after = Values(MergedForm.Convert(model, [Adapter("k_proj", 5)], new MappingOptions()).Model, "w", isTransposed: false);

        Assert.Equal(before[..(4 * In)], after[..(4 * In)]);
        Assert.Equal(before[(6 * In)..], after[(6 * In)..]);
        Assert.NotEqual(before[(4 * In)..(6 * In)], after[(4 * In)..(6 * In)]);
    }

    [Fact]
    public void Gives_one_copy_to_all_modules_of_a_packed_node()
    {
        var model = Packed("qkv_proj", "MatMul");
        model.Graph.Node.Add(new Proto.NodeProto { OpType = "MatMul", Name = "/twin/MatMul", Input = { "x", "w" }, Output = { "z" } });

        var merged = MergedForm.Convert(model, [Adapter("q_proj", 5), Adapter("v_proj", 6)], new MappingOptions()).Model;

        Assert.Equal(Stacked(MergedForm.Convert(Split(), [Adapter("q_proj", 5), Adapter("v_proj", 6)], new MappingOptions()).Model),
            Values(merged, merged.Graph.Node[0].Input[1], isTransposed: true));
        Assert.Equal("w", merged.Graph.Node[1].Input[1]);
        Assert.Equal(2, merged.Graph.Initializer.Count);
    }

    [Theory]
    [InlineData("q_proj", 5)]
    [InlineData("q_proj", 8)]
    [InlineData("k_proj", 3)]
    public void Refuses_rows_that_do_not_fit(string module, int rows)
    {
        var adapter = DenseDelta.Adapter("layers.0.attn." + module, LayerKind.Linear, [rows, In], new float[rows * In]);

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(Packed("qkv_proj", "MatMul"), [adapter], new MappingOptions()));

        Assert.Equal(ProblemCode.ModuleUnmapped, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Refuses_a_packed_module_of_which_a_part_is_missing()
    {
        var model = Split();
        model.Graph.Node.RemoveAt(1);
        var adapter = DenseDelta.Adapter("layers.0.attn.qkv_proj", LayerKind.Linear, [8, In], new float[8 * In]);

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [adapter], new MappingOptions()));

        Assert.Equal(ProblemCode.ModuleUnmapped, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Refuses_a_packed_module_and_a_part_of_it_at_once()
    {
        var adapters = new[] { Adapter("q_proj", 5), DenseDelta.Adapter("layers.0.attn.qkv_proj", LayerKind.Linear, [8, In], new float[8 * In]) };

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(Packed("qkv_proj", "MatMul"), adapters, new MappingOptions()));

        Assert.Equal(ProblemCode.NodeClaimedTwice, Assert.Single(refusal.Problems).Code);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Compares_the_rows_with_a_base_that_packs_or_does_not(bool isGraphPacked, bool isBasePacked)
    {
        using var file = isBasePacked
            ? new TinyCheckpoint(("layers.0.attn.qkv_proj.weight", [8, In], _weights))
            : new TinyCheckpoint([.. _rows.Keys.Select(name => ($"layers.0.attn.{name}.weight", new long[] { _rows[name], In }, Part(name)))]);
        var options = new MappingOptions { Base = file.Checkpoint };
        var model = isGraphPacked ? Packed("qkv_proj", "MatMul") : Split();
        var whole = DenseDelta.Adapter("layers.0.attn.qkv_proj", LayerKind.Linear, [8, In], new float[8 * In]);

        Assert.All(MergedForm.Convert(model, [Adapter("v_proj", 6)], options).Sites, site => Assert.True(site.IsVerified));
        Assert.All(MergedForm.Convert(model, [whole], options).Sites, site => Assert.True(site.IsVerified));
    }

    [Fact]
    public void Refuses_packed_rows_that_are_not_the_bases()
    {
        using var file = new TinyCheckpoint(("layers.0.attn.v_proj.weight", [2, In], TinyCheckpoint.Random(77, 2 * In)));

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(
            Packed("qkv_proj", "MatMul"), [Adapter("v_proj", 6)], new MappingOptions { Base = file.Checkpoint }));

        Assert.Equal(ProblemCode.BaseDiffers, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Finds_the_packed_projection_of_multi_head_attention()
    {
        var model = new TinyModel().Weight("onnx::MatMul_1", [2, 6]).Weight("attn.in_proj_bias", [6]).Weight("attn.out_proj.weight", [2, 2])
            .Node("MatMul", "/attn/MatMul", ["x", "onnx::MatMul_1", "h"]).Node("Add", "/attn/Add", ["attn.in_proj_bias", "h", "i"])
            .Node("Gemm", "/attn/Gemm", ["i", "attn.out_proj.weight", "y"], Int("transB", 1)).Model;

        var site = Assert.Single(MergedForm.Convert(
            model, [DenseDelta.Adapter("attn", LayerKind.Linear, [6, 2], new float[12])], new MappingOptions()).Sites);

        Assert.Equal("onnx::MatMul_1", site.Initializer);
        Assert.Equal([EvidenceTier.BiasAnchor, EvidenceTier.NodePath], site.Evidence);
    }

    private static WeightedAdapter Adapter(string module, int seed) => DenseDelta.Adapter(
        "layers.0.attn." + module, LayerKind.Linear, [_rows[module], In], TinyCheckpoint.Random(seed, _rows[module] * In));

    private static float[] Part(string name)
    {
        var first = _rows.TakeWhile(pair => pair.Key != name).Sum(pair => pair.Value);
        return _weights[(first * In)..((first + _rows[name]) * In)];
    }

    private static OnnxModel Packed(string name, string op, params Proto.AttributeProto[] more)
    {
        var isTransposed = op == "MatMul";
        return new TinyModel()
            .Weight("w", isTransposed ? [In, 8] : [8, In], isTransposed ? StoredWeight.Transpose(_weights, 8, In) : _weights)
            .Node(op, $"/layers.0/attn/{name}/{op}", ["x", "w", "y"], isTransposed ? [] : [Int("transB", 1), .. more]).Model;
    }

    private static OnnxModel Split()
    {
        var model = new TinyModel();
        foreach (var name in _rows.Keys)
        {
            model.Weight(name[..1], [In, _rows[name]], StoredWeight.Transpose(Part(name), _rows[name], In))
                .Node("MatMul", $"/layers.0/attn/{name}/MatMul", ["x", name[..1], name]);
        }

        return model.Model;
    }

    private static float[] Stacked(OnnxModel model) => [.. new[] { "q", "k", "v" }.SelectMany(name => Values(model, name, isTransposed: true))];

    private static float[] Values(OnnxModel model, string name, bool isTransposed)
    {
        var tensor = model.Read(model.Graph.Initializer.Single(tensor => tensor.Name == name));
        return isTransposed ? StoredWeight.Transpose(tensor.ToFloats(), (int)tensor.Shape[0], (int)tensor.Shape[1]) : tensor.ToFloats();
    }
}
