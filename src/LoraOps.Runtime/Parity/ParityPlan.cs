using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Adapters;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Parity;

/// <summary>
/// What is run to answer a request, by the candidate's form. Without an adapter it is held against the base. Adapters in files are
/// measured one after another, those inside of the graph in batches that mix their samples.
/// </summary>
public sealed class ParityPlan : IDisposable
{
    private const string BasePrefix = "base_";
    private const string Mask = "attention_mask";
    private readonly OnnxSession _candidate;
    private readonly ParityRequest _request;
    private readonly List<IDisposable> _owned = [];
    private ParityReference? _origin;
    private ParityReference? _candidateOrigin;

    private ParityPlan(OnnxSession candidate, ParityRequest request)
    {
        _candidate = candidate;
        _request = request;
    }

    /// <summary>What is run, in order.</summary>
    public IReadOnlyList<ParityPass> Passes { get; private set; } = [];

    /// <summary>Opens records and adapters, and sees that they belong together.</summary>
    /// <param name="candidate">The model to prove; the caller's, also after the plan.</param>
    /// <param name="request">What is wanted.</param>
    /// <exception cref="LoraOpsException">A file is wrong, an adapter does not fit the model, or the model does not have it.</exception>
    public static ParityPlan Make(OnnxSession candidate, ParityRequest request)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(request);
        var plan = new ParityPlan(candidate, request);
        try
        {
            plan.Passes = candidate.Adaptable switch
            {
                { Metadata.Form: SwitchableForm.Name } => plan.InGraph(),
                { IsAdaptable: true } => plan.FromFiles(),
                _ => plan.Plain(),
            };
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>Closes what was opened.</summary>
    public void Dispose() => _owned.ForEach(owned => owned.Dispose());

    private List<ParityPass> Plain()
    {
        if (_request.Adapters.Concat(_request.Expected.Where(record => record.Name.Length > 0)).ToList() is { Count: > 0 } unasked)
            throw new LoraOpsException([.. unasked.Select(adapter => AdapterChoiceProblems.NotTaken(_candidate.Path, Word(adapter)))]);

        return [.. Sources().Select(source => Pass(source, "", new ParityPart("", ""), origins: Origins(source)))];
    }

    // Each adapter is active for a whole pass.
    private List<ParityPass> FromFiles()
    {
        var passes = new List<ParityPass>();
        var problems = new List<Problem>();
        foreach (var source in Sources())
        {
            var adapters = _request.Adapters.Where(adapter => source.Name.Length == 0 || NameOf(adapter) == source.Name).ToList();
            if (adapters.Count == 0 && source.Name.Length > 0 && source.Name != AdapterManager.BaseId)
                problems.Add(AdapterChoiceProblems.Unpaired(_candidate.Path, source.Name, "no --adapter"));
            else if (adapters.Count > 1)
                problems.Add(AdapterChoiceProblems.TooMany(_candidate.Path, adapters.Count));
            else
                passes.Add(adapters.Count == 0 ? BasePass(source, null) : FilePass(source, adapters[0]));
        }

        var held = _request.Expected.Select(record => record.Name).Append("").ToHashSet(StringComparer.Ordinal);
        problems.AddRange(_request.Adapters.Where(adapter => !held.Contains(NameOf(adapter)) && !_request.Expected.All(record => record.Name.Length == 0))
            .Select(adapter => AdapterChoiceProblems.Unpaired(_candidate.Path, NameOf(adapter), "no --expected")));
        return problems.Count == 0 ? passes : throw new LoraOpsException(problems);
    }

    private ParityPass FilePass(Source source, NamedValue adapter)
    {
        var against = source.Other is { } other ? Activate(other, adapter.Value) : Listed("", source);
        return Pass(source, "", new ParityPart(NameOf(adapter), against), origins: Origins(source)) with
        {
            Adapter = Own(SessionAdapter.Open(adapter.Value, _candidate.Adaptable, Fit)),
        };
    }

    // The zero adapter: a record that tells the two apart has the base's outputs under a prefix.
    private ParityPass BasePass(Source source, SampleSet? inputs)
    {
        var prefix = PrefixOf(source);
        return Pass(source, prefix, new ParityPart(AdapterManager.BaseId, Listed(prefix, source)), inputs);
    }

    private List<ParityPass> InGraph()
    {
        var metadata = _candidate.Adaptable.Metadata!;
        var numbers = new AdapterNumbers(_candidate.Path, metadata.Adapters);
        var sources = Sources();
        var chosen = sources.Select(source => Chosen(source, numbers)).ToList();
        foreach (var other in sources.Select(source => source.Other?.Session?.Adaptable).OfType<AdaptableModel>())
        {
            if (other.Metadata is { Form: SwitchableForm.Name } lists && !lists.Adapters.SequenceEqual(metadata.Adapters))
                throw new LoraOpsException(AdapterChoiceProblems.ListsDiffer(other.Path, _candidate.Path));
        }

        return sources.Count > 1 && _request.Domains.Count == 0
            ? [Mixed(sources, [.. chosen.Select(number => number ?? 0)], numbers)]
            : [.. sources.Zip(chosen, (source, number) => InGraph(source, number, numbers))];
    }

    // One adapter, or what the data say.
    private ParityPass InGraph(Source source, int? chosen, AdapterNumbers numbers)
    {
        var inputs = chosen is { } one ? numbers.Choose(source.Inputs, [.. Enumerable.Repeat(one, source.Inputs.Count)]) : source.Inputs;
        if (chosen == 0)
            return BasePass(source, inputs);

        var name = chosen is { } number ? numbers.NameOf(number) : "as the data say";
        return Pass(source, "", new ParityPart(name, Listed("", source)), inputs, Origins(source, numbers));
    }

    // Null where the data choose for each sample.
    private int? Chosen(Source source, AdapterNumbers numbers)
    {
        var wanted = _request.Adapters.Select(Word).Concat(source.Name.Length > 0 ? [source.Name] : []).ToList();
        var own = _candidate.Inputs.Select(input => input.Name).Intersect(AdapterNumbers.Inputs)
            .FirstOrDefault(input => source.Inputs.Find(input) is not null);
        if (own is not null)
            return wanted.Count == 0 ? null : throw new LoraOpsException(AdapterChoiceProblems.Twice(source.Inputs.Path, own));

        return wanted.Count switch
        {
            0 => 0,
            1 => numbers.Find(wanted[0]),
            _ => throw new LoraOpsException(AdapterChoiceProblems.TooMany(_candidate.Path, wanted.Count)),
        };
    }

    // The samples of all records in turn, so that one batch holds rows of several adapters.
    private ParityPass Mixed(List<Source> sources, List<int> chosen, AdapterNumbers numbers)
    {
        // Tokens that a mask hides may be filled up with zeros.
        var pads = _candidate.Inputs.Any(input => input.Name == Mask);
        var mixed = Interleaving.Of([.. sources.Select(source => source.Inputs)], pads);
        return new ParityPass(numbers.Choose(mixed.Samples, [.. mixed.Rows.Select(row => chosen[row.Set])]), [.. sources.Zip(chosen, Held)])
        {
            Rows = mixed.Rows,
            Pads = pads,
        };

        ParitySource Held(Source source, int number)
        {
            var prefix = number == 0 ? PrefixOf(source) : "";
            return new ParitySource(new ParityPart(numbers.NameOf(number), Listed(prefix, source)), source.Inputs, Reference(source, prefix))
            {
                Origins = number == 0 ? null : Origins(source, numbers),
            };
        }
    }

    private ParityPass Pass(Source source, string prefix, ParityPart part, SampleSet? inputs = null, EffectOrigins? origins = null) =>
        ParityPass.Of(new ParitySource(part with { Domain = source.Domain }, inputs ?? source.Inputs, Reference(source, prefix))
        {
            Labels = source.Labels,
            Origins = origins,
        });

    // What the adapter changes is told from the models without it: files, or what the forms hold themselves.
    private EffectOrigins? Origins(Source source, AdapterNumbers? numbers = null)
    {
        if (_request.Base is null && !_request.MeasuresEffect)
            return null;

        Func<SampleSet, SampleSet>? turnOff = numbers is null ? null : samples => numbers.Choose(samples, new int[samples.Count]);
        var reference = _request.Base is { } path ? _origin ??= Own(ParityReference.FromModel(path))
            : PrefixOf(source) is { Length: > 0 } prefix ? Own(ParityReference.FromRecord(source.Record!, prefix))
            : source.Other?.Session is { Adaptable.Metadata: not null } other ? Own(ParityReference.FromSession(other, turnOff))
            : null;
        if (reference is null)
            return null;

        if (numbers is not null || _candidate.Adaptable.IsAdaptable)
            return new EffectOrigins(Own(ParityReference.FromSession(_candidate, turnOff)), reference, "the candidate without an adapter");

        return _request.BaseCandidate is { } quantized
            ? new EffectOrigins(_candidateOrigin ??= Own(ParityReference.FromModel(quantized)), reference, "the quantized base")
            : new EffectOrigins(reference, reference, "the base in float");
    }

    private AdapterFitOptions Fit => new() { AllowsForeign = _request.AllowsForeign };

    private List<string> Outputs => [.. _candidate.Outputs.Select(output => output.Name)];

    private List<Source> Sources()
    {
        if (_request.Reference is { } path)
        {
            var reference = Own(ParityReference.FromModel(path));
            return _request.Domains.Count > 0
                ? [.. _request.Domains.Select(domain => new Source("", domain.Samples, null, reference) { Domain = domain.Name, Labels = domain.Labels })]
                : [new Source("", _request.Inputs ?? throw new InvalidOperationException("A model needs samples."), null, reference)];
        }

        return [.. _request.Expected.Select(expected =>
        {
            var record = SampleSet.Open(expected.Value);
            return new Source(expected.Name, _request.Inputs ?? record, record, null);
        })];
    }

    private ParityReference Reference(Source source, string prefix) => source.Other ?? Own(ParityReference.FromRecord(source.Record!, prefix));

    private string PrefixOf(Source source) =>
        source.Record is { } record && Outputs.All(output => record.Find(BasePrefix + output) is not null) ? BasePrefix : "";

    private string Listed(string prefix, Source source) => source.Other is not null ? "" : string.Join(", ", Outputs.Select(output => prefix + output));

    // A reference of the same form gets the same adapter.
    private string Activate(ParityReference reference, string adapter)
    {
        if (reference.Session is not { Adaptable: { IsAdaptable: true } model })
            return "";

        reference.Adapter = Own(SessionAdapter.Open(adapter, model, Fit));
        return "with the same adapter";
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private static string NameOf(NamedValue file) => file.Name.Length > 0 ? file.Name : Path.GetFileNameWithoutExtension(file.Value);

    private static string Word(NamedValue adapter) => adapter.Name.Length > 0 ? $"{adapter.Name}={adapter.Value}" : adapter.Value;

    private sealed record Source(string Name, SampleSet Inputs, SampleSet? Record, ParityReference? Other)
    {
        public string Domain { get; init; } = "";

        public SampleSet? Labels { get; init; }
    }
}
