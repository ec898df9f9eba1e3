using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>New names for what an adapter overrides, in its file or in the model: the two must be renamed together.</summary>
/// <param name="Names">The new name by the old one; all of them.</param>
/// <param name="From">The dialect that they had.</param>
/// <param name="To">The dialect that they get.</param>
public sealed record DialectRenaming(IReadOnlyDictionary<string, string> Names, NameDialect From, NameDialect To)
{
    /// <summary>Finds the new names of a file's parameters.</summary>
    /// <param name="adapter">The file's content.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="from">Its dialect; null finds it.</param>
    /// <param name="to">The dialect that is wanted.</param>
    /// <exception cref="LoraOpsException">A name is of no dialect or another one.</exception>
    public static DialectRenaming Of(OnnxAdapter adapter, string path, NameDialect? from, NameDialect to)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return Of([.. adapter.Parameters.Select(parameter => parameter.Name)], path, from, to);
    }

    /// <summary>Finds the new names of a model's overridable inputs.</summary>
    /// <param name="model">A model of the form <c>inputs</c>, ours or another's.</param>
    /// <param name="from">Its dialect; null takes the one that it says it has, or finds it.</param>
    /// <param name="to">The dialect that is wanted.</param>
    /// <exception cref="LoraOpsException">It has no such inputs, a name is of no dialect or another one, or a name is taken.</exception>
    public static DialectRenaming Of(OnnxModel model, NameDialect? from, NameDialect to)
    {
        ArgumentNullException.ThrowIfNull(model);
        var names = OverridableInputs.Of(model).Select(input => input.Name).ToList();
        if (names.Count == 0)
            throw new LoraOpsException(AdapterNameProblems.NothingToRename(model.Path));

        var renaming = Of(names, model.Path, from ?? NameDialects.Find(FormMetadata.Read(model)?.Dialect ?? ""), to);
        var kept = AllValues(model).Except(names, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        var outputs = model.Graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        List<Problem> problems =
        [
            .. renaming.Names.Values.Where(kept.Contains).Select(name => AdapterNameProblems.Taken(model.Path, name)),
            .. names.Where(outputs.Contains).Select(name => AdapterNameProblems.Taken(model.Path, name)),
        ];
        return problems.Count == 0 ? renaming : throw new LoraOpsException(problems);
    }

    /// <summary>The same adapter under the new names.</summary>
    public OnnxAdapter Apply(OnnxAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return adapter with { Parameters = [.. adapter.Parameters.Select(parameter => new NamedTensor(Names[parameter.Name], parameter))] };
    }

    /// <summary>Renames the inputs of a model in place, wherever they are named, and what its metadata say.</summary>
    public void Apply(OnnxModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (var graph in model.Graph.AllGraphs())
            Apply(graph);

        if (FormMetadata.Read(model) is { } metadata)
            (metadata with { Dialect = To.Name }).Write(model);
    }

    private void Apply(GraphProto graph)
    {
        foreach (var value in graph.Input.Concat(graph.ValueInfo).Concat(graph.Output))
            value.Name = New(value.Name);

        foreach (var tensor in graph.Initializer)
            tensor.Name = New(tensor.Name);

        foreach (var annotation in graph.QuantizationAnnotation)
            annotation.TensorName = New(annotation.TensorName);

        foreach (var node in graph.Node)
        {
            for (var i = 0; i < node.Input.Count; i++)
                node.Input[i] = New(node.Input[i]);
        }
    }

    private string New(string name) => Names.GetValueOrDefault(name, name);

    private static DialectRenaming Of(List<string> names, string path, NameDialect? from, NameDialect to)
    {
        from ??= NameDialects.Of(names, path);
        if (names.Where(name => from.Parse(name) is null).ToList() is { Count: > 0 } strange)
            throw new LoraOpsException(AdapterNameProblems.OfNoDialect(path, strange, from.Name));

        // The dialects are inverses of themselves, so two names cannot become one.
        return new DialectRenaming(names.ToDictionary(name => name, name => Renamed(from.Parse(name)!.Value, to, path), StringComparer.Ordinal), from, to);
    }

    private static string Renamed((Adapters.ModuleName Module, string Part) meaning, NameDialect to, string path)
    {
        try
        {
            return to.InputName(meaning.Module, meaning.Part);
        }
        catch (LoraOpsException refused)
        {
            throw new LoraOpsException([.. refused.Problems.Select(problem => problem with { Where = path })]);
        }
    }

    private static IEnumerable<string> AllValues(OnnxModel model) => model.Graph.AllGraphs().SelectMany(graph => graph.Input.Select(input => input.Name)
        .Concat(graph.Initializer.Select(tensor => tensor.Name))
        .Concat(graph.Node.SelectMany(node => node.Output)));

    private sealed class NamedTensor(string name, Tensor tensor) : Tensor(name, tensor.Type, tensor.Shape)
    {
        public override void ReadBytes(long offset, Span<byte> destination) => tensor.ReadBytes(offset, destination);
    }
}
