package providertest

import (
	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var tags = theme{"tags", "tags.go", []Case{
	{ID: "C179 C180", Title: "untagged and tagged workers take their own tasks", run: ownTasks},
	{ID: "C181", Title: "a worker takes untagged tasks and those of its tags", run: defaultAnd},
	{ID: "C182", Title: "a worker that takes nothing gets nothing", run: takesNothing},
	{ID: "C183", Title: "several tags are taken, others not", run: severalTags},
	{ID: "C184 C186", Title: "a tag survives the claim and the return of its task", run: tagSurvives},
	{ID: "C185", Title: "a worker of any tag takes all in order", run: anyTag},
	{ID: "C187", Title: "five tasks find their workers", run: fiveTasks},
	{ID: "C188", Title: "tags of tasks scheduled by a turn are kept", run: tagsOfTurn},
	{ID: "P37", Title: "tag and session must both match", run: tagAndSession},
	{ID: "P38", Title: "tags match exactly", run: exactTags},
}}

func ownTasks(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), activity(4), withTag(5, "gpu"))
	k.work(2, anyRoute)
	k.work(4, anyRoute)
	k.noWork(anyRoute)
	gpu := tagged(provider.TagsOnly, "gpu")
	k.work(3, gpu)
	k.work(5, gpu)
	k.noWork(gpu)
}

func defaultAnd(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), withTag(4, "cpu"))
	route := tagged(provider.TagsDefaultAnd, "gpu")
	k.work(2, route)
	k.work(3, route)
	k.noWork(route)
}

func takesNothing(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"))
	k.noWork(tagged(provider.TagsNone))
	k.noWork(tagged(provider.TagsOnly))
	require.Equal(k, 1, k.work(2, anyRoute).Attempt)
}

func severalTags(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), withTag(4, "cpu"), withTag(5, "tpu"))
	route := tagged(provider.TagsOnly, "gpu", "tpu")
	k.work(3, route)
	k.work(5, route)
	k.noWork(route)
}

func tagSurvives(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"))
	gpu := tagged(provider.TagsOnly, "gpu")
	first := k.work(3, gpu)
	require.Equal(k, "gpu", *first.Task.Tag)
	k.giveTaskBack(first, 0, false)
	k.work(2, anyRoute)
	k.noWork(anyRoute)
	second := k.work(3, gpu)
	require.Equal(k, first.Task, second.Task)
	require.Equal(k, 2, second.Attempt)
	require.NotEqual(k, first.Token, second.Token)
}

func anyTag(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), withTag(4, "cpu"))
	for id := uint64(2); id <= 4; id++ {
		k.work(id, tagged(provider.TagsAny))
	}
	k.noWork(tagged(provider.TagsAny))
}

func fiveTasks(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), withTag(4, "cpu"), withTag(5, "fpga"), withTag(6, "gpu"))
	k.work(2, anyRoute)
	k.noWork(anyRoute)
	k.work(3, tagged(provider.TagsOnly, "gpu", "cpu"))
	k.work(4, tagged(provider.TagsOnly, "gpu", "cpu"))
	k.work(5, tagged(provider.TagsOnly, "cpu", "fpga"))
	k.noWork(tagged(provider.TagsOnly, "cpu", "fpga"))
	k.work(6, tagged(provider.TagsAny))
	k.noWork(tagged(provider.TagsAny))
}

func tagsOfTurn(k *kit) {
	k.create("X", plan(withTag(2, "gpu"), activity(3)))
	k.work(3, anyRoute)
	k.noWork(anyRoute)
	k.work(2, tagged(provider.TagsOnly, "gpu"))
}

func tagAndSession(k *kit) {
	both := inSession(2, "s")
	both.Task.Tag = new("gpu")
	k.schedule(both)
	k.noWork(tagged(provider.TagsAny))
	k.noWork(worker("A", long))
	route := worker("A", long)
	route.Tags = provider.TagFilter{Mode: provider.TagsOnly, Tags: []string{"gpu"}}
	k.work(2, route)
}

func exactTags(k *kit) {
	k.schedule(withTag(2, "gpu"), withTag(3, ""))
	k.noWork(tagged(provider.TagsOnly, "GPU", "gp", "gpu ", "%"))
	k.noWork(anyRoute)
	k.work(3, tagged(provider.TagsOnly, ""))
	k.work(2, tagged(provider.TagsOnly, "gpu"))
}
