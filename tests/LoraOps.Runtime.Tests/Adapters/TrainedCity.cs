using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>bev-vit with the adapters of its cities, converted, and what PyTorch recorded for each.</summary>
internal static class TrainedCity
{
    public static readonly string[] Ids = ["shanghai", "guangzhou", "guangzhou-patterns", "chengdu", "beijing"];

    private static string Folder => Fixtures.Path("bev-vit");

    private static OnnxModel Base => OnnxModel.Load(Path.Combine(Folder, "onnx", "torchscript", "model.onnx"));

    /// <summary>Fills a folder as <c>loraops convert --form inputs</c> does.</summary>
    public static string Inputs(TemporaryFolder folder)
    {
        var conversion = InputsForm.Convert(Base, Adapters(), new MappingOptions());
        foreach (var adapter in conversion.Adapters)
            OnnxAdapterFile.Write(folder[adapter.Name + OnnxAdapterFile.Extension], adapter.Content);

        conversion.Model.Save(folder["model.onnx"]);
        return folder["model.onnx"];
    }

    public static string Switchable(TemporaryFolder folder, bool isBlend)
    {
        SwitchableForm.Convert(Base, Adapters(), new MappingOptions(), new FormOptions { Blends = isBlend }).Model.Save(folder["model.onnx"]);
        return folder["model.onnx"];
    }

    public static SampleSet Reference(string id) => SampleSet.Open(Path.Combine(Folder, "reference", id + ".safetensors"));

    /// <summary>Samples as the input of a run.</summary>
    public static Dictionary<string, OrtValue> Images(SampleSet data, int count)
    {
        var images = data.Tensors["pixel_values"];
        return new() { ["pixel_values"] = OrtValue.CreateTensorValueFromMemory(Rows(images, count), [count, .. images.Shape.Dims[1..]]) };
    }

    public static float[] Rows(Tensor tensor, int count)
    {
        var values = new float[count * tensor.Shape.RowLength];
        tensor.ReadFloats(0, values);
        return values;
    }

    public static void Near(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.InRange(expected.Zip(found, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-4f);
    }

    private static List<WeightedAdapter> Adapters() =>
        [.. Ids.Select(id => new WeightedAdapter(PeftReader.Read(Path.Combine(Folder, "adapters", id))))];
}
