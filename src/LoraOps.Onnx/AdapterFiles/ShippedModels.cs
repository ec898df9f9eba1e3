using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>Models and <c>.onnx_adapter</c> files that ship together: what form they are, and whether they belong together.</summary>
public sealed class ShippedModels
{
    private readonly IReadOnlyList<string> _files;
    private readonly IReadOnlyList<AdaptableModel> _models;

    /// <summary>Reads the models among some files; what is no ONNX model in spite of its name is nobody's form.</summary>
    /// <param name="files">Paths of everything that ships.</param>
    public ShippedModels(IReadOnlyList<string> files)
    {
        _files = files;
        _models = [.. files.Where(file => file.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)).Select(Read).OfType<AdaptableModel>()];
    }

    /// <summary>The form of the first model that LoraOps converted into <c>inputs</c> or <c>switchable</c>; null if there is none.</summary>
    public string? Form => _models.Select(model => model.Metadata?.Form).FirstOrDefault(form => form is not null);

    /// <summary>Every adapter file that is damaged, or fits none of the models of the form <c>inputs</c>; without such models only damage counts.</summary>
    public IReadOnlyList<Problem> Check()
    {
        var adaptable = _models.Where(model => model.Metadata is { Form: InputsForm.Name }).ToList();
        var adapters = _files.Where(file => file.EndsWith(OnnxAdapterFile.Extension, StringComparison.OrdinalIgnoreCase));
        return [.. adapters.SelectMany(file => Check(file, adaptable))];
    }

    private static IReadOnlyList<Problem> Check(string file, List<AdaptableModel> models)
    {
        try
        {
            var adapter = OnnxAdapterFile.Read(file);
            var found = models.Select(model => AdapterFit.Check(adapter, file, model)).ToList();
            return found.Count == 0 || found.Exists(problems => problems.Count == 0) ? [] : found[0];
        }
        catch (LoraOpsException damage)
        {
            return damage.Problems;
        }
    }

    private static AdaptableModel? Read(string file)
    {
        try
        {
            return AdaptableModel.Of(OnnxModel.Load(file));
        }
        catch (LoraOpsException)
        {
            return null;
        }
    }
}
